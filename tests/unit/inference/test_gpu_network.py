"""The batched network of GPUs, on torch's CPU, beside the one of CPUs."""

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.unit.inference import artifacts

Modules = dict[str, ModuleType]


def pictures(count: int) -> list[Image.Image]:
    dice = np.random.default_rng(3)
    return [Image.fromarray(dice.integers(0, 255, (40 + n, 70 - n % 30, 3), np.uint8)) for n in range(count)]


def on_torch(modules: Modules, folder: Path) -> Any:
    """The artifact's Model with the network of GPUs."""
    description = modules["artifact"].read_description(folder / "model.json")
    classes = modules["artifact"].read_classes(folder / "classes.json")
    network = modules["gpu_network"].GpuNetwork(folder / "model.pt", description, len(classes), "cpu")
    return modules["inference"].Model(description, classes, network)


def test_it_answers_as_the_network_of_cpus(modules: Modules, torch_artifact: Path) -> None:
    inference = modules["inference"]
    images = pictures(70)  # more than one batch
    inputs = [images[0], images[1:65], images[65], images[66:]]
    ours = inference.predict_batch_fn(inputs, on_torch(modules, torch_artifact))
    cpu = inference.predict_batch_fn(inputs, inference.model_fn(str(torch_artifact)))
    assert [answer.probabilities.shape for answer in ours] == [(3,), (64, 3), (3,), (4, 3)]
    for one, other in zip(ours, cpu, strict=True):
        assert np.abs(one.probabilities - other.probabilities).max() < 1e-5
    assert inference.output_fn(ours[0], "application/json")[1] == "application/json"


def test_a_batch_is_computed_at_once(modules: Modules, torch_artifact: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = on_torch(modules, torch_artifact)
    seen = []
    network = model.network._network

    def watched(batch: Any) -> Any:
        seen.append(len(batch))
        return network(batch)

    monkeypatch.setattr(model.network, "_network", watched)
    modules["inference"].predict_batch_fn(pictures(70), model)
    assert seen == [64, 6]


def test_one_request_s_answer_does_not_depend_on_the_others(modules: Modules, torch_artifact: Path) -> None:
    inference, model, images = modules["inference"], on_torch(modules, torch_artifact), pictures(5)
    together = inference.predict_batch_fn(images, model)
    for image, answer in zip(images, together, strict=True):
        assert np.abs(inference.predict_fn(image, model).probabilities - answer.probabilities).max() < 1e-6


def test_a_file_that_is_no_graph(modules: Modules, tmp_path: Path) -> None:
    folder = artifacts.write(tmp_path)
    (folder / "model.pt").write_bytes(b"not TorchScript")
    with pytest.raises(modules["errors"].BrokenModel, match=r"model\.pt cannot be served"):
        on_torch(modules, folder)


def test_a_graph_of_other_classes(modules: Modules, torch_artifact: Path, tmp_path: Path) -> None:
    folder = artifacts.write(tmp_path)
    (folder / "model.pt").write_bytes((torch_artifact / "model.pt").read_bytes())
    (folder / "classes.json").write_text(json.dumps(artifacts.CLASSES[:2]))
    with pytest.raises(modules["errors"].BrokenModel, match=r"answers \[2, 3\].*classes\.json asks for \[2, 2\]"):
        on_torch(modules, folder)


def test_weights_that_are_not_finite(modules: Modules, tmp_path: Path) -> None:
    folder = artifacts.write_torch(artifacts.write(tmp_path), weights=float("nan"))
    with pytest.raises(modules["errors"].BrokenModel, match="NaN or infinity"):
        on_torch(modules, folder)
