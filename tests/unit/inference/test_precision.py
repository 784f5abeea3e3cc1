"""Which precision is served: model.json, MODEL_PRECISION and the CPU decide."""

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.unit.inference import artifacts

Modules = dict[str, ModuleType]
ENTRIES: dict[str, dict[str, Any]] = {
    "fp32": {"graph": "model.xml", "top1_accuracy": 0.91, "milliseconds": 41.2},
    "int8": {"graph": "model.int8.xml", "top1_accuracy": 0.909, "milliseconds": 12.0},
    "bf16": {"graph": "model.xml", "top1_accuracy": 0.911, "milliseconds": 21.0},
}
ALL = {name: entry["graph"] for name, entry in ENTRIES.items()}
CPU, NEWER_CPU = ["FP32", "INT8", "BIN"], ["FP32", "INT8", "BIN", "BF16"]


def description(modules: Modules, precision: str, graphs: dict[str, str]) -> Any:
    return modules["artifact"].Description("a", "v", 224, 256, (0, 0, 0), (1, 1, 1), precision, graphs)


@pytest.mark.parametrize(
    ("served", "asked", "capabilities", "expected"),
    [
        ("fp32", "", CPU, ("fp32", "model.xml", "f32")),
        ("int8", "", CPU, ("int8", "model.int8.xml", "f32")),
        ("bf16", "", NEWER_CPU, ("bf16", "model.xml", "bf16")),
        ("bf16", "", CPU, ("fp32", "model.xml", "f32")),
        ("int8", "fp32", NEWER_CPU, ("fp32", "model.xml", "f32")),
        ("fp32", "INT8 ", CPU, ("int8", "model.int8.xml", "f32")),
        ("int8", "bf16", NEWER_CPU, ("bf16", "model.xml", "bf16")),
    ],
)
def test_the_choice(
    modules: Modules, served: str, asked: str, capabilities: list[str], expected: tuple[str, str, str]
) -> None:
    choose = modules["precision"].choose
    choice = choose(description(modules, served, ALL), {"MODEL_PRECISION": asked}, capabilities)
    assert (choice.precision, choice.graph, choice.hint) == expected
    fell_back = expected[0] == "fp32" and "bf16" in (served, asked)
    assert bool(choice.note) == fell_back


@pytest.mark.parametrize("asked", ["int8", "bf16", "fp16"])
def test_a_precision_that_the_artifact_has_not(modules: Modules, asked: str) -> None:
    with pytest.raises(modules["errors"].CannotServe, match=f"{asked}.* the artifact has fp32"):
        modules["precision"].choose(
            description(modules, "fp32", {"fp32": "model.xml"}), {"MODEL_PRECISION": asked}, CPU
        )


def quantised(folder: Path) -> Path:
    """An artifact whose int8 graph is the fp32 one with the opposite answers, so that it can be told."""
    artifacts.write(folder / "opposite", weights=-2.0)
    artifacts.write(folder)
    for suffix in ("xml", "bin"):
        (folder / "opposite" / f"model.{suffix}").rename(folder / f"model.int8.{suffix}")
    members = {**artifacts.DESCRIPTION, "precision": "int8", "precisions": ENTRIES}
    (folder / "model.json").write_text(json.dumps(members))
    return folder


def test_the_graph_of_the_precision_is_what_answers(
    modules: Modules, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = quantised(tmp_path / "model")
    picture = Image.new("RGB", (50, 80), artifacts.RED)
    found = {}
    for asked in ("", "fp32", "bf16"):
        monkeypatch.setenv("MODEL_PRECISION", asked)
        model = modules["inference"].model_fn(str(folder))
        found[asked] = modules["inference"].predict_fn(picture, model).probabilities
    assert found[""].argmin() == 0
    assert found["fp32"].argmax() == 0
    assert found["bf16"].argmax() == 0
    import openvino

    if "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        assert capsys.readouterr().out == ""
    else:
        assert np.array_equal(found["bf16"], found["fp32"])
        assert capsys.readouterr().out.splitlines() == [
            "This CPU has no bfloat16 instructions: the model is served in fp32 instead of bf16."
        ]


def test_a_missing_graph_is_named(modules: Modules, tmp_path: Path) -> None:
    folder = quantised(tmp_path / "model")
    (folder / "model.int8.bin").unlink()
    with pytest.raises(modules["errors"].BrokenModel, match=r"model\.int8\.bin is missing"):
        modules["inference"].model_fn(str(folder))


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"precision": "int8"}, "precision 'int8' is none of its precisions"),
        ({"precision": "fp64", "precisions": ENTRIES}, "precision 'fp64'"),
        ({"precision": ["fp32"]}, "precision .* is none of its precisions"),
        ({"precisions": []}, "precisions must be an object"),
        ({"precisions": {"fp32": "model.xml"}}, "precisions must be an object"),
        ({"precisions": {}}, "precision 'fp32' is none of its precisions"),
        ({"precisions": {"fp32": {}}}, "graph must be a text"),
        ({"precisions": {"fp32": {"graph": "../model.xml"}}}, "must be the name of an .xml file"),
        ({"precisions": {"fp32": {"graph": "model.json"}}}, "must be the name of an .xml file"),
    ],
)
def test_damaged_members(modules: Modules, tmp_path: Path, members: dict[str, Any], words: str) -> None:
    path = tmp_path / "model.json"
    path.write_text(json.dumps({**artifacts.DESCRIPTION, **members}))
    with pytest.raises(modules["errors"].BrokenModel, match=words) as caught:
        modules["artifact"].read_description(path)
    assert str(caught.value).startswith(str(path))
