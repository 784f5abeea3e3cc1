"""The timeline of steps: what its files say, when they are written, and that smdebug reads them."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from smdebug.profiler.algorithm_metrics_reader import LocalAlgorithmMetricsReader

from tests.unit.training.scripts import Scripts

SECOND = 10**9
FAR = 4 * 10**15  # microseconds since 1970: the year 2096


class Clock:
    """Nanoseconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 5 * SECOND

    def __call__(self) -> int:
        return self.now


class Job:
    """Steps that take `work` after waits that take `wait`, nanoseconds."""

    def __init__(self, scripts: Scripts, folder: Path) -> None:
        self.clock = Clock()
        self.folder: Path | None = folder
        self.timeline = scripts.timeline.Timeline(lambda: self.folder, "algo-1", self.clock)

    def take(self, steps: int, mode: str = "TRAIN", *, first: int = 0, wait: int = 10**6, work: int = 10**8) -> None:
        for _ in self.timeline.watch(mode, self._batches(steps, wait), first):
            self.clock.now += work

    def _batches(self, steps: int, wait: int) -> Iterator[int]:
        for number in range(steps):
            self.clock.now += wait
            yield number


def events(folder: Path) -> list[dict[str, Any]]:
    files = sorted(folder.rglob("*_pythontimeline.json"))
    entries = [entry for file in files for entry in json.loads(file.read_text())]
    return [entry for entry in entries if entry["ph"] == "X"]


def test_a_step_and_the_wait_before_it(scripts: Scripts, tmp_path: Path) -> None:
    job = Job(scripts, tmp_path)
    job.take(2, "TRAIN", first=7)
    job.take(1, "EVAL")
    job.timeline.close()
    found = [(event["name"], event["args"]["step_num"], event["ts"], event["dur"]) for event in events(tmp_path)]
    assert found == [
        ("DataLoaderIter::GetNext", "7", 0, 1000),
        ("Step:ModeKeys.TRAIN", "7", 1000, 100_000),
        ("DataLoaderIter::GetNext", "8", 101_000, 1000),
        ("Step:ModeKeys.TRAIN", "8", 102_000, 100_000),
        ("DataLoaderIter::GetNext", "0", 202_000, 1000),
        ("Step:ModeKeys.EVAL", "0", 203_000, 100_000),
    ]
    assert [event["args"].get("mode") for event in events(tmp_path)[::2]] == [
        "ModeKeys.TRAIN",
        "ModeKeys.TRAIN",
        "ModeKeys.EVAL",
    ]
    [file] = tmp_path.rglob("*.json")
    assert file.name.endswith(f"_{os.getpid()}-algo-1_pythontimeline.json")
    assert file.parent.parent == tmp_path / "framework/pevents"


@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["TRAIN", "EVAL"]), *[st.integers(0, 3600 * SECOND)] * 3), min_size=1, max_size=20
    ),
    epoch=st.integers(10**18, 2 * 10**18),
)
def test_no_time_is_off_by_more_than_a_microsecond(
    scripts: Scripts, steps: list[tuple[str, int, int, int]], epoch: int
) -> None:
    now, taken = 0, []
    for number, (mode, pause, wait, work) in enumerate(steps):
        asked = now + pause
        now = asked + wait + work
        taken.append(scripts.timeline.Step(mode, number, asked, asked + wait, now))
    entries = json.loads(scripts.timeline.trace_file(taken, epoch, 1))
    start = entries[0]["args"]["start_time_since_epoch_in_micros"]
    spans = [entry for entry in entries if entry["ph"] == "X"]
    for step, wait_event, step_event in zip(taken, spans[::2], spans[1::2], strict=True):
        assert abs((start + wait_event["ts"]) * 1000 - (epoch + step.asked)) <= 1000
        assert abs((start + step_event["ts"]) * 1000 - (epoch + step.began)) <= 1000
        assert abs(step_event["dur"] * 1000 - (step.ended - step.began)) <= 2000
        assert min(wait_event["dur"], step_event["dur"], wait_event["ts"], step_event["ts"]) >= 0


def test_smdebug_reads_it(scripts: Scripts, tmp_path: Path) -> None:
    job = Job(scripts, tmp_path)
    job.take(40, "TRAIN")  # four seconds: more than one file
    job.take(5, "EVAL")
    job.timeline.close()
    assert len(list(tmp_path.rglob("*.json"))) == 2
    reader = LocalAlgorithmMetricsReader(str(tmp_path))
    reader.refresh_event_file_list()
    read = reader.get_events(0, FAR)
    steps = [event for event in read if event.event_phase == "Step:ModeKeys.TRAIN"]
    assert [int(event.event_args["step_num"]) for event in steps] == list(range(40))
    assert {event.duration for event in steps} <= {99_999, 100_000, 100_001}
    assert len([event for event in read if event.event_phase == "Step:ModeKeys.EVAL"]) == 5
    waits = [event for event in read if event.event_name == "DataLoaderIter::GetNext"]
    assert len(waits) == 45
    assert {event.event_phase for event in waits} == {"DataLoaderIter"}
    assert {event.node_id for event in read} == {f"algo-1-{os.getpid()}"}
    begun = (job.timeline._epoch + 5 * SECOND) // 1000
    assert min(event.start_time for event in read) == begun


def test_files_are_closed_after_ever_more_seconds_up_to_a_minute(scripts: Scripts, tmp_path: Path) -> None:
    job, written = Job(scripts, tmp_path), []
    for _ in range(240):
        before = len(list(tmp_path.rglob("*.json")))
        job.take(1, wait=0, work=SECOND)
        if len(list(tmp_path.rglob("*.json"))) > before:
            written.append(job.clock.now // SECOND - 5)
    assert written == [2, 6, 14, 30, 62, 122, 182]
    job.timeline.close()
    assert len(events(tmp_path)) == 480
    assert not list(tmp_path.rglob("*.tmp"))


def test_many_short_steps_do_not_wait_for_the_minute(scripts: Scripts, tmp_path: Path) -> None:
    job = Job(scripts, tmp_path)
    job.take(70_000, wait=0, work=10**5)
    sizes = [len(json.loads(file.read_text())) for file in tmp_path.rglob("*.json")]
    assert len(sizes) >= 1
    assert max(sizes) < 2 * 60_000


def test_switched_off_and_on_again(scripts: Scripts, tmp_path: Path) -> None:
    job = Job(scripts, tmp_path)
    job.take(10, wait=0, work=SECOND)
    job.folder = None
    job.take(10, first=10, wait=0, work=SECOND)
    job.folder = tmp_path
    job.take(10, first=20, wait=0, work=SECOND)
    job.timeline.close()
    steps = [int(event["args"]["step_num"]) for event in events(tmp_path) if event["name"].startswith("Step")]
    # It looks every two seconds.
    assert steps == [*range(11), *range(21, 30)] or steps == [*range(12), *range(22, 30)]


def test_a_step_that_does_not_end_is_none(scripts: Scripts, tmp_path: Path) -> None:
    job = Job(scripts, tmp_path)
    for batch in job.timeline.watch("TRAIN", iter("abc"), 0):
        if batch == "c":
            break
    job.timeline.close()
    assert [event["args"]["step_num"] for event in events(tmp_path)] == ["0", "0", "1", "1"]


def test_a_folder_that_cannot_be_written_costs_the_times_only(
    scripts: Scripts, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "framework").write_text("in the way")
    job = Job(scripts, tmp_path)
    job.take(3)
    job.timeline.close()
    assert "profiler: the times of 3 steps are lost" in capsys.readouterr().out
