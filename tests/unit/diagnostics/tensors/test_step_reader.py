"""How many reads a step takes."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnostics.source import FileMissing, Part
from diagnostics.tensors.index import Location, StepIndex, parse_index
from diagnostics.tensors.saved_step import TensorMissing
from diagnostics.tensors.step_reader import StepReader, runs
from tests.unit.diagnostics.tensor_files import TensorFiles, record, text_proto


class Memory:
    """A source of a few files that notes what is read."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files
        self.reads: list[Part] = []

    def names(self, prefix: str = "", after: str = "") -> list[str]:
        return sorted(name for name in self.files if name.startswith(prefix) and name > after)

    def read(self, name: str, start: int = 0, length: int | None = None) -> bytes:
        self.reads.append((name, start, length))
        if name not in self.files:
            raise FileMissing(name)
        content = self.files[name][start:]
        return content if length is None else content[:length]

    def prefetch(self, parts: object) -> None:
        pass


def _step(**tensors: int) -> tuple[Memory, StepIndex]:
    """Tensors of so many numbers, each holding nothing but its place."""
    values = {name: np.full(size, at, np.float32) for at, (name, size) in enumerate(tensors.items())}
    files = TensorFiles(Path("unused")).files_of(4, values)
    _events, index = files
    return Memory(files), parse_index(4, files[index])


@given(
    st.lists(st.tuples(st.integers(0, 400), st.integers(1, 300)), max_size=12), st.integers(0, 200), st.integers(1, 500)
)
def test_runs_hold_every_record_once_and_keep_to_their_bounds(gaps: list[tuple[int, int]], gap: int, most: int) -> None:
    at, wanted = 0, {}
    for number, (before, length) in enumerate(gaps):
        wanted[str(number)] = Location(at + before, length)
        at += before + length
    found = runs(wanted.items(), gap, most)
    assert sorted(name for run in found for name in run.names) == sorted(wanted)
    for run in found:
        own = [wanted[name] for name in run.names]
        assert run.start == min(location.start for location in own)
        assert run.start + run.length == max(location.start + location.length for location in own)
        assert run.length <= most or len(own) == 1
        assert run.length - sum(location.length for location in own) <= gap * (len(own) - 1)


def test_neighbours_that_are_wanted_are_read_at_once() -> None:
    source, index = _step(a=10, b=10, c=10)
    missed: list[str] = []
    reader = StepReader(source, index, lambda _: True, lambda _, message: missed.append(message))
    assert [float(reader.load(name)[0]) for name in "abc"] == [0, 1, 2]
    assert len(source.reads) == 1
    assert reader.parts() == source.reads


def test_far_ones_are_not_read_along() -> None:
    source, index = _step(a=10, b=200_000, c=10)
    reader = StepReader(source, index, lambda name: name != "b", lambda *_: None)
    assert float(reader.load("c")[0]) == 2
    assert sum(length or 0 for _, _, length in source.reads) < 500
    assert float(reader.load("a")[0]) == 0
    assert float(reader.load("b")[0]) == 1  # nobody said that it would be asked for
    assert len(source.reads) == 3


def test_a_file_that_is_missing_is_missed_once_a_tensor() -> None:
    source, index = _step(a=10, b=10)
    del source.files[index.event_file]
    missed: list[str] = []
    reader = StepReader(source, index, lambda _: True, lambda _, message: missed.append(message))
    for name in ("a", "a", "b"):
        with pytest.raises(TensorMissing, match=f"{name} of step 4 cannot be read: events/.* is not there"):
            reader.load(name)
    assert len(missed) == 2


def test_a_file_that_is_cut_off_gives_what_is_there() -> None:
    source, index = _step(a=10, b=10)
    source.files[index.event_file] = source.files[index.event_file][:-20]
    reader = StepReader(source, index, lambda _: True, lambda *_: None)
    assert float(reader.load("a")[0]) == 0
    with pytest.raises(TensorMissing, match=r"b of step 4 cannot be read: .* is broken"):
        reader.load("b")


def test_another_tensor_than_the_index_says_is_broken() -> None:
    source, index = _step(a=10, b=10)
    first, second = index.locations["a"], index.locations["b"]
    swapped = StepIndex(4, index.mode, 4, index.event_file, {"a": second, "b": first})
    with pytest.raises(TensorMissing, match="lies 'b'"):
        StepReader(source, swapped, lambda _: True, lambda *_: None).load("a")


def test_text_and_what_was_not_saved_are_no_tensors() -> None:
    content = record("words", 4, text_proto(["a"]))
    _, index = _step(a=1)
    text = StepIndex(4, index.mode, 4, "e", {"words": Location(0, len(content))})
    reader = StepReader(Memory({"e": content}), text, lambda _: True, lambda *_: None)
    with pytest.raises(TensorMissing, match="words of step 4 is text"):
        reader.load("words")
    with pytest.raises(TensorMissing, match="z was not saved at step 4"):
        reader.load("z")
