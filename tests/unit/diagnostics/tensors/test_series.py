"""Curves of a tensor, read anew."""

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnostics.source import Folder
from diagnostics.tensors.saved_step import Mode
from diagnostics.tensors.series import evenly, figures
from diagnostics.tensors.stream import TensorStream
from tests.unit.diagnostics.tensor_files import TensorFiles

LOSS = "CrossEntropyLoss_output_0"


@pytest.fixture
def stream(tmp_path: Path) -> TensorStream:
    """Ten steps of training with weights, reduced from step 5 on, and one of judging."""
    files = TensorFiles(tmp_path)
    files.collections()
    for step in range(10):
        tensors = {LOSS: np.float32(step / 2)}
        if step < 5:
            files.save(step, tensors | {"fc.weight": np.array([-step, 3 * step], np.float32)})
        else:
            files.save(step, tensors, reductions={"fc.weight": {"mean": float(step), "abs_mean": 2.0 * step}})
    files.save(10, {LOSS: np.float32(9)}, Mode.EVAL, 0)
    found = TensorStream([Folder(tmp_path)])
    assert len(list(found.poll())) == 11
    return found


def test_figures_of_whole_and_of_reduced_tensors(stream: TensorStream) -> None:
    saved = stream.saved()["fc.weight", Mode.TRAIN]
    assert dict(figures(stream, "fc.weight", "mean", saved)) == {step: float(step) for step in range(10)}
    assert dict(figures(stream, "fc.weight", "abs_mean", saved)) == {step: 2.0 * step for step in range(10)}
    for figure, factor in {"min": -1.0, "max": 3.0, "std": 2.0}.items():
        found = dict(figures(stream, "fc.weight", figure, saved))
        assert [found[step] for step in range(5)] == [factor * step for step in range(5)]
        assert all(math.isnan(found[step]) for step in range(5, 10))


def test_only_the_wanted_steps_are_read(stream: TensorStream, tmp_path: Path) -> None:
    for step in range(1, 9):
        (tmp_path / f"events/{step:012d}/{step:012d}_worker_0.tfevents").unlink()
    assert dict(figures(stream, LOSS, "mean", evenly(range(10), 2))) == {0: 0.0, 9: 4.5}


def test_what_cannot_be_read_is_nan_or_left_out(stream: TensorStream, tmp_path: Path) -> None:
    (tmp_path / "events/000000000001/000000000001_worker_0.tfevents").write_bytes(b"broken")
    (tmp_path / "index/000000000/000000000002_worker_0.json").unlink()
    found = dict(figures(stream, "fc.weight", "mean", range(10)))
    assert sorted(found) == [0, 1, 3, 4, 5, 6, 7, 8, 9]
    assert math.isnan(found[1])


@given(count=st.integers(0, 200), most=st.integers(2, 50))
def test_evenly_keeps_the_ends_and_the_order(count: int, most: int) -> None:
    chosen = evenly(range(count), most)
    assert chosen == sorted(set(chosen))
    assert len(chosen) == min(count, most)
    if count:
        assert (chosen[0], chosen[-1]) == (0, count - 1)


def test_a_series_has_two_points_at_least() -> None:
    with pytest.raises(ValueError, match="at least 2"):
        evenly(range(5), 1)
