"""CPU or GPU, and what is said where a GPU would stay idle."""

import importlib
import importlib.util
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

Modules = dict[str, ModuleType]


@pytest.fixture
def graphics(tmp_path: Path) -> Path:
    """/dev of a machine with a GPU."""
    for name in ("nvidia0", "nvidiactl", "nvidia-uvm", "null"):
        (tmp_path / name).touch()
    return tmp_path


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, "cuda"),
        ({"CUDA_VISIBLE_DEVICES": "0,1"}, "cuda"),
        ({"CUDA_VISIBLE_DEVICES": ""}, "cpu"),
        ({"CUDA_VISIBLE_DEVICES": "-1"}, "cpu"),
        ({"MODEL_DEVICE": "cpu"}, "cpu"),
        ({"MODEL_DEVICE": " CUDA", "CUDA_VISIBLE_DEVICES": ""}, "cuda"),
    ],
)
def test_where_there_is_a_gpu(modules: Modules, graphics: Path, environment: dict[str, str], expected: str) -> None:
    assert modules["device"].choose(environment, graphics) == expected


def test_where_there_is_none(modules: Modules, tmp_path: Path) -> None:
    (tmp_path / "nvidiactl").touch()  # left by a driver without a card
    assert modules["device"].choose({}, tmp_path) == "cpu"
    assert modules["device"].choose({"CUDA_VISIBLE_DEVICES": "0"}, tmp_path) == "cpu"
    assert modules["device"].choose({"MODEL_DEVICE": "cuda"}, tmp_path) == "cuda"


def test_another_word(modules: Modules, tmp_path: Path) -> None:
    with pytest.raises(modules["errors"].CannotServe, match="MODEL_DEVICE is 'tpu': it takes cpu or cuda"):
        modules["device"].choose({"MODEL_DEVICE": "tpu"}, tmp_path)


def load_on_gpu(modules: Modules, artifact: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """What model_fn says to the artifact where a GPU is to be used."""
    monkeypatch.setenv("MODEL_DEVICE", "cuda")
    with pytest.raises(modules["errors"].CannotServe) as caught:
        modules["inference"].model_fn(str(artifact))
    return str(caught.value)


def test_an_artifact_without_a_graph_for_it(modules: Modules, artifact: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = load_on_gpu(modules, artifact, monkeypatch)
    assert told.startswith(f"{artifact}/model.pt")
    assert "--gpu-graph true" in told
    assert "MODEL_DEVICE=cpu" in told


@pytest.mark.parametrize("precision", ["int8", "bf16"])
def test_a_precision_of_cpus(
    modules: Modules, torch_artifact: Path, monkeypatch: pytest.MonkeyPatch, precision: str
) -> None:
    monkeypatch.setenv("MODEL_PRECISION", precision)
    assert f"MODEL_PRECISION is '{precision}', which is for CPUs" in load_on_gpu(modules, torch_artifact, monkeypatch)


def test_without_torch(modules: Modules, torch_artifact: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert "torch is not installed" in load_on_gpu(modules, torch_artifact, monkeypatch)


def test_where_torch_finds_no_gpu(modules: Modules, torch_artifact: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without = SimpleNamespace(cuda=SimpleNamespace(is_available=lambda: False))
    monkeypatch.setattr(importlib, "import_module", lambda name: without)
    told = load_on_gpu(modules, torch_artifact, monkeypatch)
    assert "torch finds no CUDA device" in told
    assert "MODEL_DEVICE=cpu" in told
