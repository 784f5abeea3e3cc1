"""Saved steps as they come: in order, each once, whatever comes late, is missing or broken."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnostics.source import Folder
from diagnostics.tensors.saved_step import Mode, TensorMissing
from diagnostics.tensors.stream import RETRIED_FILES, TensorStream
from tests.unit.diagnostics.tensor_files import TensorFiles

LOSS = "CrossEntropyLoss_output_0"


def polled(stream: TensorStream) -> list[int]:
    return [step.step for step in stream.poll()]


def stream_of(*roots: Path) -> TensorStream:
    return TensorStream([Folder(root) for root in roots])


@pytest.fixture
def files(tmp_path: Path) -> TensorFiles:
    """A folder with collections."""
    written = TensorFiles(tmp_path / "tensors")
    written.collections()
    return written


def test_each_step_is_given_out_once_and_as_soon_as_it_is_there(files: TensorFiles) -> None:
    stream = stream_of(files.root)
    assert polled(stream) == []
    for step in (0, 500, 1000):
        files.save(step, {LOSS: np.float32(step)})
        assert polled(stream) == [step]
        assert polled(stream) == []
    assert (stream.steps_seen, stream.latest_step, stream.ended, stream.generation) == (3, 1000, False, 0)


def test_a_poll_that_is_left_early_goes_on_where_it_stopped(files: TensorFiles) -> None:
    for step in range(50):
        files.save(step, {LOSS: np.float32(step)})
    stream = stream_of(files.root)
    assert [step.step for _, step in zip(range(3), stream.poll(), strict=False)] == [0, 1, 2]
    files.save(50, {LOSS: np.float32(0)})
    assert polled(stream) == list(range(3, 51))
    assert stream.generation == 0


def test_a_step_tells_what_was_saved(files: TensorFiles) -> None:
    weight = np.arange(6, dtype=np.float32).reshape(2, 3)
    files.save(7, {"fc.weight": weight}, Mode.EVAL, 3, reductions={"gradient/fc.weight": {"abs_mean": 0.25, "l2": 2.0}})
    files.save(8, {LOSS: np.float32(1)})
    step = next(stream_of(files.root).poll())
    assert (step.step, step.mode, step.mode_step) == (7, Mode.EVAL, 3)
    assert step.tensors == {"fc.weight"}
    np.testing.assert_array_equal(step.tensor("fc.weight"), weight)
    assert step.reduced("gradient/fc.weight", "abs_mean") == 0.25
    assert step.names("weights") == ["fc.weight"]
    with pytest.raises(TensorMissing, match=r"gradient/fc.weight was not saved whole at step 7"):
        step.tensor("gradient/fc.weight")


def test_only_the_chief_worker_counts(tmp_path: Path) -> None:
    for number in (10, 2, 1):
        worker = TensorFiles(tmp_path, f"worker_{number}")
        worker.collections()
        worker.save(number, {LOSS: np.float32(number)})
    stream = stream_of(tmp_path)
    stream.end()
    assert polled(stream) == [1]
    chief = TensorFiles(tmp_path)
    chief.save(0, {LOSS: np.float32(0)})
    chief.save(5, {LOSS: np.float32(0)})
    assert polled(stream_of(tmp_path)) == [0, 5]


def test_the_chief_may_be_on_any_host_and_of_two_it_is_the_first_hosts(tmp_path: Path) -> None:
    first, second = TensorFiles(tmp_path / "1", "worker_1"), TensorFiles(tmp_path / "2")
    for step in (0, 1):
        first.save(step, {LOSS: np.float32(1)})
    stream = stream_of(first.root, second.root)
    assert polled(stream) == [0, 1]
    for step in (0, 2):
        second.save(step, {LOSS: np.float32(2)})
    stream.end()
    assert polled(stream) == [0, 2]
    assert stream.generation == 1
    assert stream.losses()[0].values == [2.0, 2.0]
    other = TensorFiles(first.root)
    for step in (3, 4):
        other.save(step, {LOSS: np.float32(3)})
    assert polled(stream_of(first.root, second.root)) == [3, 4]


def test_the_first_step_waits_for_the_collections_that_come_right_after(tmp_path: Path) -> None:
    files = TensorFiles(tmp_path)
    files.save(0, {"mine": np.float32(1)})
    stream = stream_of(tmp_path)
    assert polled(stream) == []
    files.collections(losses="mine")
    assert polled(stream) == [0]
    assert [curve.tensor for curve in stream.losses()] == ["mine"]


def test_without_collections_the_hooks_own_count(tmp_path: Path) -> None:
    files = TensorFiles(tmp_path)
    for step in (0, 1):
        files.save(step, {LOSS: np.float32(1), "mine": np.float32(1)})
    stream = stream_of(tmp_path)
    assert polled(stream) == [0, 1]
    assert [curve.tensor for curve in stream.losses()] == [LOSS]
    files.collections(losses="mine")
    assert polled(stream) == [0, 1]  # they came late, and are others
    assert [curve.tensor for curve in stream.losses()] == [LOSS, "mine"]


def test_broken_collections_are_told_and_the_hooks_own_count(files: TensorFiles) -> None:
    files.write(files.collections_file()[0], b"{")
    files.save(0, {LOSS: np.float32(1)})
    stream = stream_of(files.root)
    assert polled(stream) == [0]
    assert stream.unreadable.count == 1
    assert "worker_0_collections.json: the collections cannot be read" in stream.unreadable.first[0]
    assert stream.losses()[0].tensor == LOSS


def test_a_job_of_a_single_step_is_told_at_its_end(tmp_path: Path) -> None:
    files = TensorFiles(tmp_path)
    files.save(0, {LOSS: np.float32(1)})
    stream = stream_of(tmp_path)
    assert polled(stream) == []
    files.end()
    assert polled(stream) == [0]
    assert stream.ended


def test_a_broken_index_is_told_and_the_others_are_read(files: TensorFiles) -> None:
    for step in range(3):
        files.save(step, {LOSS: np.float32(step)})
    files.write("index/000000000/000000000001_worker_0.json", b'{"meta": {"mo')
    stream = stream_of(files.root)
    assert polled(stream) == [0, 2]
    assert stream.steps_seen == 3
    assert stream.unreadable.count == 1
    assert "step 1 cannot be read" in stream.unreadable.first[0]
    assert stream.losses()[0].steps == [0, 2]


def test_a_missing_event_file_is_missing_tensors_counted_and_named(files: TensorFiles) -> None:
    for number in range(3):
        files.save(number, {LOSS: np.float32(number), "fc.weight": np.ones(3)})
    (files.root / "events/000000000001/000000000001_worker_0.tfevents").unlink()
    stream = stream_of(files.root)
    for step in stream.poll():
        if step.step == 1:
            with pytest.raises(TensorMissing, match=r"fc.weight of step 1 cannot be read: events/.* is not there"):
                step.tensor("fc.weight")
        else:
            assert step.tensor("fc.weight").tolist() == [1, 1, 1]
    assert stream.unreadable.count == 2  # the loss as well
    assert stream.losses()[0].steps == [0, 2]


def test_an_event_file_that_comes_after_its_index_is_read_all_the_same(files: TensorFiles) -> None:
    (event_name, events), (index_name, index) = files.files_of(0, {LOSS: np.float32(5)}).items()
    files.write(index_name, index)
    stream = stream_of(files.root)
    assert polled(stream) == [0]
    assert stream.losses() == []
    files.write(event_name, events)
    assert polled(stream) == [0]
    assert stream.losses()[0].values == [5.0]
    assert stream.unreadable.count == 0
    assert polled(stream) == []


def test_at_the_end_all_missing_event_files_are_looked_for_once_more(files: TensorFiles) -> None:
    steps = [files.files_of(step, {LOSS: np.float32(step)}) for step in range(RETRIED_FILES + 5)]
    for written in steps:
        index_name = list(written)[1]
        files.write(index_name, written[index_name])
    stream = stream_of(files.root)
    polled(stream)
    event_name = next(iter(steps[0]))
    files.write(event_name, steps[0][event_name])
    assert polled(stream) == []  # too far back to be looked for while the job runs
    stream.end()
    assert polled(stream) == list(range(len(steps)))
    assert stream.losses()[0].steps == [0]
    assert polled(stream) == []


def test_steps_in_earlier_folders_that_come_late_are_found_at_the_end(files: TensorFiles) -> None:
    files.save(2500, {LOSS: np.float32(1)})
    stream = stream_of(files.root)
    assert polled(stream) == [2500]
    files.save(2, {LOSS: np.float32(2)})
    stream.end()
    assert polled(stream) == [2, 2500]
    assert stream.generation == 1


def test_a_folder_that_is_not_there_yet(tmp_path: Path) -> None:
    stream, ended = stream_of(tmp_path / "later"), []
    for _ in range(2):
        assert polled(stream) == []
        ended.append(stream.ended)
        stream.end()
    assert ended == [False, True]
    assert polled(TensorStream([])) == []


def test_what_was_saved_when(files: TensorFiles) -> None:
    for step in range(4):
        mode = Mode.EVAL if step == 3 else Mode.TRAIN
        files.save(step, {LOSS: np.float32(step)}, mode, reductions={"fc.weight": {"min": 0.0}} if step % 2 else None)
    stream = stream_of(files.root)
    polled(stream)
    assert {key: list(steps) for key, steps in stream.saved().items()} == {
        (LOSS, Mode.TRAIN): [0, 1, 2],
        (LOSS, Mode.EVAL): [3],
        ("fc.weight", Mode.TRAIN): [1],
        ("fc.weight", Mode.EVAL): [3],
    }


def test_the_values_of_a_step_are_let_go_with_it(files: TensorFiles) -> None:
    """A tensor that a rule keeps does not keep its neighbours."""
    big = np.zeros(3_000_000, np.float32)
    files.save(0, {"a": big, "b": big})
    step = next(stream_of(files.root).poll(lambda _: True))
    first = step.tensor("a")
    assert step.tensor("b").base is not None
    assert not np.shares_memory(first, step.tensor("b"))


@settings(max_examples=25)
@given(data=st.data())
def test_the_order_in_which_files_come_does_not_matter(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Any order, with looks in between: what was given out since the newest beginning is all of it, in order."""
    files = TensorFiles(tmp_path_factory.mktemp("shuffled"))
    steps = data.draw(st.lists(st.sampled_from([0, 1, 2, 3, 999, 1000, 1001, 2000]), min_size=1, unique=True))
    everything = dict([files.collections_file(losses="mine")])
    for step in steps:
        everything |= files.files_of(step, {"mine": np.float32(step)})
    stream = stream_of(files.root)
    given_out: list[int] = []
    generation = 0
    for name in data.draw(st.permutations(sorted(everything))):
        files.write(name, everything[name])
        if data.draw(st.booleans()):
            for saved in stream.poll():
                given_out = [*given_out, saved.step] if stream.generation == generation else [saved.step]
                generation = stream.generation
    stream.end()
    for saved in stream.poll():
        given_out = [*given_out, saved.step] if stream.generation == generation else [saved.step]
        generation = stream.generation
    assert given_out == sorted(steps)
    assert [(curve.tensor, curve.steps, curve.values) for curve in stream.losses()] == [
        ("mine", sorted(steps), [float(step) for step in sorted(steps)])
    ]
    assert stream.unreadable.count == 0
