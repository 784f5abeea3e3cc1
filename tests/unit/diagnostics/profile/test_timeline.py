"""Timeline files: steps, waits and the rest, as training/ and smdebug write them."""

from pathlib import Path

import numpy as np
import pytest
from smdebug.profiler.algorithm_metrics_reader import LocalAlgorithmMetricsReader

from diagnostics.profile.timeline import Timeline, waits_before
from diagnostics.source import Folder
from tests.unit.diagnostics.profiles import START, trace_events, write_timeline

TRAIN, EVAL, LOADER = "Step:ModeKeys.TRAIN", "Step:ModeKeys.EVAL", "DataLoaderIter"
GET_NEXT = "DataLoaderIter::GetNext"
TWO_STEPS = [
    (LOADER, GET_NEXT, START + 0.0, 0.5),
    (TRAIN, TRAIN, START + 0.5, 1.0),
    (LOADER, GET_NEXT, START + 1.5, 0.25),
    (TRAIN, TRAIN, START + 1.75, 2.0),
    (LOADER, GET_NEXT, START + 4.0, 0.125),
    (EVAL, EVAL, START + 4.125, 0.5),
    ("Forward", "resnet", START + 0.5, 0.5),
]


def read(root: Path) -> Timeline:
    timeline = Timeline(Folder(root))
    timeline.read_new()
    return timeline


def test_steps_and_their_waits(tmp_path: Path) -> None:
    write_timeline(tmp_path, trace_events(TWO_STEPS))
    evaluation, training = read(tmp_path).steps()
    assert (training.node, training.mode, evaluation.mode) == ("algo-1", "TRAIN", "EVAL")
    assert np.allclose(training.starts, [START + 0.5, START + 1.75], atol=1e-6)
    assert np.allclose(training.durations, [1.0, 2.0])
    assert np.allclose(training.loader_wait, [0.5, 0.25])
    assert np.allclose(evaluation.loader_wait, [0.125])


def test_all_else_is_kept_by_phase(tmp_path: Path) -> None:
    write_timeline(tmp_path, trace_events([*TWO_STEPS, ("DataLoaderWorker", "worker", START, 9.0)]))
    spans = {one.phase: one for one in read(tmp_path).spans()}
    assert list(spans) == ["DataLoaderIter::GetNext", "DataLoaderWorker", "Forward"]
    assert spans["DataLoaderWorker"].durations == pytest.approx([9.0])
    assert len(spans[GET_NEXT].starts) == 3


def test_smdebug_reads_the_same(tmp_path: Path) -> None:
    write_timeline(tmp_path, trace_events(TWO_STEPS))
    events = LocalAlgorithmMetricsReader(str(tmp_path)).get_events(0, (START + 1000) * 1e6)
    theirs = sorted((event.start_time / 1e6, event.duration / 1e6) for event in events if event.event_name == TRAIN)
    training = read(tmp_path).steps()[1]
    assert np.allclose(np.array(theirs).T, [training.starts, training.durations], atol=1e-6)


def test_without_waits_nothing_is_known_of_them(tmp_path: Path) -> None:
    write_timeline(tmp_path, trace_events([TWO_STEPS[1], TWO_STEPS[3]]))
    assert len(read(tmp_path).steps()[0].loader_wait) == 0


def test_processes_of_a_host_are_its_steps(tmp_path: Path) -> None:
    write_timeline(tmp_path, trace_events(TWO_STEPS), process=1)
    write_timeline(tmp_path, trace_events(TWO_STEPS), process=2)
    write_timeline(tmp_path, trace_events(TWO_STEPS), host="algo-2")
    steps = {(one.node, one.mode): one for one in read(tmp_path).steps()}
    assert list(steps) == [("algo-1", "EVAL"), ("algo-1", "TRAIN"), ("algo-2", "EVAL"), ("algo-2", "TRAIN")]
    assert np.allclose(steps["algo-1", "TRAIN"].loader_wait, [0.5, 0.5, 0.25, 0.25])  # each its own


@pytest.mark.parametrize("cut", [0, 1, 2, 40, 200, -3, -1])
def test_a_file_that_is_not_written_to_its_end(tmp_path: Path, cut: int) -> None:
    whole = trace_events(TWO_STEPS, closed=False)
    path = write_timeline(tmp_path, whole[:cut])
    timeline = read(tmp_path)
    assert timeline.broken_lines == 0
    path.write_text(trace_events(TWO_STEPS))
    timeline.read_new()
    assert [len(steps.starts) for steps in timeline.steps()] == [1, 2]


def test_an_open_file_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    write_timeline(tmp_path, trace_events(TWO_STEPS, closed=False) + '{"name": "Step:Mod')
    assert [len(steps.starts) for steps in read(tmp_path).steps()] == [1, 2]


def test_a_closed_file_is_read_once(tmp_path: Path) -> None:
    path = write_timeline(tmp_path, trace_events(TWO_STEPS))
    timeline = read(tmp_path)
    path.write_text("something else")
    timeline.read_new()
    assert len(timeline.steps()) == 2


@pytest.mark.parametrize(
    "broken",
    [
        '{"name": "Step:ModeKeys.TRAIN", "ph": "X", "pid": 1, "ts": "soon", "dur": 1}',
        '{"name": "Step:ModeKeys.TRAIN", "ph": "X", "pid": 1, "ts": 1, "dur": -1}',
        '{"name": "Step:ModeKeys.TRAIN", "ph": "X", "pid": [], "ts": 1, "dur": 1}',
        '{"ph": "X"}',
        "17",
        "{",
    ],
)
def test_a_broken_event_is_counted_and_left_out(tmp_path: Path, broken: str) -> None:
    text = trace_events(TWO_STEPS).replace("\n]", f",\n{broken}\n]")
    write_timeline(tmp_path, text)
    timeline = read(tmp_path)
    assert timeline.broken_lines == 1
    assert [len(steps.starts) for steps in timeline.steps()] == [1, 2]


def test_other_files_are_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "framework/pevents/2025012110"
    folder.mkdir(parents=True)
    (folder / "1_2-algo-1_model_timeline.json").write_text("{")
    assert (read(tmp_path).steps(), read(tmp_path).broken_lines) == ([], 0)


def test_a_wait_belongs_to_the_next_step_of_any_mode() -> None:
    starts = {"TRAIN": np.array([1.0, 3.0]), "EVAL": np.array([2.0])}
    waits = np.array([0.5, 0.75, 1.5, 2.5, 9.0]), np.array([0.1, 0.2, 0.4, 0.8, 1.6])
    found = waits_before(starts, waits)
    assert found["TRAIN"] == pytest.approx([0.3, 0.8])
    assert found["EVAL"] == pytest.approx([0.4])
