"""Step and loader times as SageMaker's framework profile has them, in trace event files that smdebug reads too.

framework/pevents/<YYYYMMDDHH>/<microseconds of the last event's end>_<pid>-<host>_pythontimeline.json is a JSON list.
Times (`ts`, `dur`) are microseconds, `ts` from the first entry's start_time_since_epoch_in_micros on:

    {"name": "Step:ModeKeys.TRAIN", "ph": "X", "pid": 1, "ts": 1200, "dur": 800, "args": {"pid": 77, "step_num": "0"}}
    {"name": "DataLoaderIter::GetNext", "ph": "X", "pid": 3, "ts": 1100, "dur": 100,
     "args": {"pid": 77, "step_num": "0", "mode": "ModeKeys.TRAIN"}}

The second is how long step 0 waited for its batch. A step ends when the next batch is asked for.
"""

import contextlib
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from batches import Batch

Mode = Literal["TRAIN", "EVAL"]

LOADER_EVENT = "DataLoaderIter::GetNext"
PHASES = ("Step:ModeKeys.TRAIN", "Step:ModeKeys.EVAL", "DataLoaderIter")  # pid 1, 2 and 3 of a file
PIDS = {"TRAIN": 1, "EVAL": 2}
LOOK_SECONDS = 2
FIRST_FILE_SECONDS = 2  # a file is closed after so long; each is open twice as long as the last
LONGEST_FILE_SECONDS = 60
MOST_STEPS = 20_000  # of one file: some 5 MB


class Step(NamedTuple):
    """One step; times are nanoseconds of time.perf_counter_ns."""

    mode: Mode
    number: int
    asked: int
    began: int
    ended: int


class Timeline:
    """Keeps what steps took, and writes it into the folder that `folder` names; None is: write nothing for now.

    `folder` is asked every two seconds. A folder that cannot be written costs the times, never the job.
    """

    def __init__(
        self, folder: Callable[[], Path | None], host: str, clock: Callable[[], int] = time.perf_counter_ns
    ) -> None:
        self._folder_now = folder
        self._host = host
        self._clock = clock
        self._epoch = time.time_ns() - clock()  # what `clock` is to the wall clock, which may jump later
        self._steps: list[Step] = []
        self._folder = folder()
        self._file_seconds = FIRST_FILE_SECONDS
        self._look_at = self._close_at = clock() + FIRST_FILE_SECONDS * 10**9

    def watch(self, mode: Mode, batches: Iterator[Batch], first: int) -> Iterator[Batch]:
        """The same batches; notes when each was asked for, came, and was done with. `first` numbers the first step."""
        asked = self._clock()
        for number, batch in enumerate(batches, first):
            began = self._clock()
            yield batch
            ended = self._clock()
            if self._folder is not None:
                self._steps.append(Step(mode, number, asked, began, ended))
            if ended >= self._look_at:
                self._look(ended)
            asked = self._clock()

    def close(self) -> None:
        """Write what is kept."""
        self._write()

    def _look(self, now: int) -> None:
        self._look_at = now + LOOK_SECONDS * 10**9
        folder = self._folder_now()
        if folder != self._folder or now >= self._close_at or len(self._steps) >= MOST_STEPS:
            self._write()
            self._folder = folder
            self._file_seconds = min(2 * self._file_seconds, LONGEST_FILE_SECONDS)
            self._close_at = now + self._file_seconds * 10**9

    def _write(self) -> None:
        """Write the steps kept as one file, so that a reader finds all of it or nothing."""
        steps, self._steps = self._steps, []
        if not steps or self._folder is None:
            return
        end = (self._epoch + steps[-1].ended) // 1000
        hour = time.strftime("%Y%m%d%H", time.gmtime(end // 10**6))
        path = self._folder / f"framework/pevents/{hour}/{end}_{os.getpid()}-{self._host}_pythontimeline.json"
        temporary = path.with_name(path.name + ".tmp")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_text(trace_file(steps, self._epoch, os.getpid()), encoding="utf-8")
            temporary.replace(path)
        except OSError as error:
            with contextlib.suppress(OSError):  # half a file takes room, and is of no use
                temporary.unlink(missing_ok=True)
            print(
                f"profiler: the times of {len(steps)} steps are lost, for {path} cannot be written: {error}", flush=True
            )


def trace_file(steps: list[Step], epoch: int, pid: int) -> str:
    """The file's content; `epoch` (ns) added to a step's times gives wall clock time."""
    start = (epoch + steps[0].asked) // 1000
    about: list[dict[str, object]] = [_process(0, start_time_since_epoch_in_micros=start)]
    about += [_process(number, name=phase) for number, phase in enumerate(PHASES, 1)]
    lines = [json.dumps(entry) for entry in about]
    lines += [_events(step, epoch, start, pid) for step in steps]
    return "[\n" + ",\n".join(lines) + "\n]\n"


def _events(step: Step, epoch: int, start: int, pid: int) -> str:
    """The wait and the step; `start` is the file's, in microseconds. Written by hand: it is a step's only real cost."""
    mode, number, *moments = step
    asked, began, ended = ((epoch + moment) // 1000 - start for moment in moments)
    return (
        f'{{"name": "{LOADER_EVENT}", "ph": "X", "pid": 3, "ts": {asked}, "dur": {began - asked}, '
        f'"args": {{"pid": {pid}, "step_num": "{number}", "mode": "ModeKeys.{mode}"}}}},\n'
        f'{{"name": "Step:ModeKeys.{mode}", "ph": "X", "pid": {PIDS[mode]}, "ts": {began}, "dur": {ended - began}, '
        f'"args": {{"pid": {pid}, "step_num": "{number}"}}}}'
    )


def _process(number: int, **args: object) -> dict[str, object]:
    return {"name": "process_name", "ph": "M", "pid": number, "args": args}
