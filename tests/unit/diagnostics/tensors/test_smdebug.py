"""What smdebug's hook writes we read as smdebug does, and what the tests' own writer writes smdebug reads."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from diagnostics.source import Folder
from diagnostics.tensors.events import read_file
from diagnostics.tensors.saved_step import Mode
from diagnostics.tensors.stream import TensorStream
from tests.unit.diagnostics.tensor_files import TensorFiles

REPOSITORY = Path(__file__).resolve().parents[4]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Path, dict[str, Any]]]:
    """The hook's folder and ours, each with what smdebug's reader finds in it."""
    root = tmp_path_factory.mktemp("smdebug")
    ours = TensorFiles(root / "ours")
    ours.collections()
    for step, dtype in enumerate(("float32", "float64", "float16", "int32", "int64", "uint8", "bool", "complex128")):
        array = np.array([[0, 1, 2], [3, 4, 5]]).astype(dtype)
        loss = {"CrossEntropyLoss_output_0": np.float32(1 / (step + 1))}
        tensors = loss if dtype == "complex128" else loss | {"fc.weight": array}
        mode, mode_step = (Mode.EVAL, 0) if step == 3 else (Mode.TRAIN, step - (step > 3))
        ours.save(step, tensors, mode, mode_step, reductions={"gradient/fc.weight": {"abs_mean": 0.5, "l2": 2.0}})
    ours.end()
    environment = {"PATH": os.environ["PATH"], "SMDEBUG_TRAINING_END_DELAY_REFRESH": "0", "OMP_NUM_THREADS": "1"}
    answer = subprocess.run(
        [sys.executable, "-m", "tests.unit.diagnostics.tensors.smdebug_program", str(root / "hook"), str(ours.root)],
        cwd=REPOSITORY,
        env=environment,
        stdout=subprocess.PIPE,
        check=True,
    ).stdout
    found = json.loads(answer.splitlines()[-1])
    return [(root / "hook", found[0]), (ours.root, found[1])]


@pytest.mark.parametrize("which", [0, 1], ids=["hook", "ours"])
def test_we_read_what_smdebug_reads(folders: list[tuple[Path, dict[str, Any]]], which: int) -> None:
    root, oracle = folders[which]
    stream = TensorStream([Folder(root)])
    seen = 0
    for step in stream.poll(lambda name: len(name) % 2 == 0):
        expected = oracle["steps"][str(step.step)]
        assert (step.mode.value, step.mode_step) == (expected["mode"], expected["mode_step"])
        assert step.tensors == set(expected["tensors"])
        for name, tensor in expected["tensors"].items():
            assert str(step.tensor(name).dtype) == tensor["type"]
            assert step.tensor(name).tolist() == tensor["value"]
        assert {name: set(figures) for name, figures in step.reductions.items()} == {
            name: set(figures) for name, figures in expected["reductions"].items()
        }
        for name, figures in expected["reductions"].items():
            for reduction, figure in figures.items():
                assert step.reduced(name, reduction) == figure
        assert step.names("losses") == expected["losses"]
        seen += 1
    assert seen == len(oracle["steps"]) == stream.steps_seen >= 7
    assert stream.ended is oracle["ended"] is True
    assert stream.unreadable.count == 0


def test_the_hooks_losses_by_mode(folders: list[tuple[Path, dict[str, Any]]]) -> None:
    root, oracle = folders[0]
    stream = TensorStream([Folder(root)])
    assert len(list(stream.poll())) == len(oracle["steps"])
    curves = {(curve.tensor, curve.mode): curve for curve in stream.losses()}
    for mode in ("TRAIN", "EVAL"):
        points = {
            int(step): found["tensors"]["CrossEntropyLoss_output_0"]["value"]
            for step, found in oracle["steps"].items()
            if found["mode"] == mode
        }
        found = curves["CrossEntropyLoss_output_0", mode]
        assert dict(zip(found.steps, found.values, strict=True)) == dict(sorted(points.items()))


def test_a_whole_file_of_the_hooks(folders: list[tuple[Path, dict[str, Any]]]) -> None:
    root, oracle = folders[0]
    expected = oracle["steps"]["0"]
    content = (root / "events/000000000000/000000000000_worker_0.tfevents").read_bytes()
    found = {event.name: event for event in read_file(content)}
    assert {event.step for event in found.values()} == {0}
    assert set(expected["tensors"]) <= set(found)
    value = found["CrossEntropyLoss_output_0"].value
    assert value is not None
    assert value.tolist() == expected["tensors"]["CrossEntropyLoss_output_0"]["value"]
