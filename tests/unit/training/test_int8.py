"""The 8-bit graph of a network so small that all of it takes seconds."""

import warnings
from pathlib import Path

import openvino
import pytest
import torch
from torch import nn

from tests.unit.training.scripts import Scripts

SIZE = 16
BRIGHTEST = torch.rand(1, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(0))
IMAGES = [0.08 * BRIGHTEST] * 7 + [BRIGHTEST]


@pytest.fixture(scope="module")
def graphs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """model.xml and model.int8.xml of a network with two convolutions and a linear head."""
    folder = tmp_path_factory.mktemp("int8")
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 8, 3), nn.ReLU(), nn.Flatten())
    network.append(nn.Linear(8 * (SIZE - 4) ** 2, 5))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # OpenVINO traces the network with torch.jit, which is deprecated
        model = openvino.convert_model(network.eval(), example_input=IMAGES[0], input=[-1, 3, SIZE, SIZE])
    model.inputs[0].get_tensor().set_names({"images"})
    source, target = folder / "model.xml", folder / "model.int8.xml"
    openvino.save_model(model, source, compress_to_fp16=False)
    Scripts().int8.write_int8_graph(source, target, IMAGES, len(IMAGES))
    return source, target


def test_convolutions_are_quantised_and_the_last_layer_is_not(graphs: tuple[Path, Path]) -> None:
    operations = openvino.Core().read_model(graphs[1]).get_ops()
    quantised = [
        consumer.get_node().get_type_name()
        for operation in operations
        if operation.get_type_name() == "FakeQuantize"
        for consumer in operation.output(0).get_target_inputs()
    ]
    assert quantised.count("Convolution") == 2
    assert "MatMul" not in quantised


def test_the_brightest_image_of_the_calibration_is_not_cut_off(graphs: tuple[Path, Path]) -> None:
    compiled = [openvino.Core().compile_model(graph, "CPU", {"INFERENCE_PRECISION_HINT": "f32"}) for graph in graphs]
    fp32, int8 = (graph({"images": BRIGHTEST.numpy()})[0] for graph in compiled)
    # A range that is the mean of the images' own would end at a fifth of its pixels.
    assert abs(int8 - fp32).max() < 0.05 * abs(fp32).max()
