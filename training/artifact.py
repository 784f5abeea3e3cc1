"""The model artifact: weights, description, class map, and the network once more as OpenVINO IR for serving."""

import contextlib
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from errors import ArtifactError
from images import Preprocessing
from json_file import write_json
from networks import Classifier
from openvino_runtime import import_openvino

FORMAT_VERSION = 1
TOLERANCE = 1e-3  # of a logit, or of the largest one where that is above 1

Logits = npt.NDArray[np.float32]  # [N, classes]


def write_artifact(
    folder: Path,
    network: Classifier,
    preprocessing: Preprocessing,
    *,
    arch: str,
    version: str,
    classes: list[dict[str, int | str]],
) -> None:
    """Write model.safetensors, model.json, classes.json, model.xml and model.bin into `folder`.

    `classes` are the entries of classes.json in the order of the outputs. Raises ArtifactError when the IR does not
    compute what torch computes.
    """
    from safetensors.torch import save_file  # noqa: PLC0415 - needed at the very end of a job

    folder.mkdir(parents=True, exist_ok=True)
    network = network.cpu().eval()
    tensors = {name: tensor.contiguous() for name, tensor in network.state_dict().items()}
    save_file(tensors, folder / "model.safetensors")
    write_json(folder / "classes.json", classes)
    write_json(
        folder / "model.json",
        {
            "format_version": FORMAT_VERSION,
            "architecture": arch,
            "image_size": preprocessing.image_size,
            "resize_size": preprocessing.resize_size,
            "mean": list(preprocessing.mean),
            "std": list(preprocessing.std),
            "interpolation": "bilinear",
            "version": version,
        },
    )
    write_ir(folder / "model.xml", network, preprocessing.image_size)


def write_ir(path: Path, network: Classifier, image_size: int) -> None:
    """Write the network as IR, input `images` [N, 3, size, size], and compare it with torch on two random images."""
    openvino = import_openvino()
    images = example_images(image_size)
    with exported(network):
        # By itself OpenVINO has torch trace twice and compare; what comes of it is compared below.
        traced = torch.jit.trace(network, images, check_trace=False)  # type: ignore[no-untyped-call]
        model = openvino.convert_model(traced, example_input=images, input=[-1, 3, image_size, image_size])
    model.inputs[0].get_tensor().set_names({"images"})
    model.outputs[0].get_tensor().set_names({"logits"})
    openvino.save_model(model, path, compress_to_fp16=False)
    # What was written is what is compared; in float32, for by itself OpenVINO computes in bfloat16 where the CPU can.
    compiled = openvino.Core().compile_model(
        path, "CPU", {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": torch.get_num_threads()}
    )
    with torch.no_grad():
        expected = network(images).numpy()
    compare("OpenVINO", compiled({"images": images.numpy()})[0], expected)


def write_torch_graph(path: Path, network: Classifier, image_size: int) -> None:
    """Write the network as float32 TorchScript, [N, 3, size, size] -> logits [N, classes], for GPU instances.

    It loads without this project's code. Raises ArtifactError when it does not compute what the network computes.
    """
    network = network.cpu().eval()
    images = example_images(image_size)
    with exported(network):
        traced = torch.jit.trace(network, images, check_trace=False)  # type: ignore[no-untyped-call]
        traced.save(path)
        images = torch.cat([images, images[:1].flip(3)])  # another batch size than was traced
        read = torch.jit.load(path, map_location="cpu")  # type: ignore[no-untyped-call]
        actual = read(images).numpy()
    with torch.no_grad():
        expected = network(images).numpy()
    compare("TorchScript", actual, expected)


@contextlib.contextmanager
def exported(network: Classifier) -> Iterator[None]:
    """Let the network be traced: it takes batches of any size meanwhile."""
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch calls torch.jit deprecated, with which openvino traces, too
        network.whole = True
        try:
            yield
        finally:
            network.whole = False


def example_images(image_size: int) -> torch.Tensor:
    """Two random images [2, 3, size, size], always the same."""
    return torch.randn((2, 3, image_size, image_size), generator=torch.Generator().manual_seed(0))


def compare(name: str, actual: Logits, expected: Logits) -> None:
    """Raise ArtifactError where the exported network's logits are not the network's."""
    difference = float(np.abs(actual - expected).max())
    if not difference <= TOLERANCE * max(1.0, float(np.abs(expected).max())):
        raise ArtifactError(f"the {name} network differs from torch's by {difference:g} in a logit")
