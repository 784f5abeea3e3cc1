"""Step times and loader waits from a script's trace-event files.

They are framework/pevents/<YYYYMMDDHH>/<microseconds>_<process>-<node>_pythontimeline.json, as smdebug's hook writes
them and training/ does: an array of Chrome trace events, an event a line. A step is `Step:ModeKeys.<mode>`, a wait for
a batch has `GetNext` in its name (DataLoaderIter::GetNext); all else is kept by its phase.
"""

import json
import re
from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from diagnostics.profile.ahead import ahead
from diagnostics.profile.profile import Spans, Steps, Values
from diagnostics.source import FileMissing, Source

_FILE = re.compile(r"framework/pevents/\d{10}/\d+_(?P<process>[^_-]+)-(?P<node>[^_]+)_pythontimeline\.json")
_STEP = re.compile(r"Step:(?:ModeKeys\.)?(?P<mode>\w+)")
_WAIT = "DataLoaderIter::GetNext"  # under which all waits are kept

Worker = tuple[str, str]  # node and process


@dataclass
class _Events:
    """Start and duration, seconds, of one kind of event."""

    starts: "array[float]" = field(default_factory=lambda: array("d"))
    durations: "array[float]" = field(default_factory=lambda: array("d"))


@dataclass
class _File:
    """What one file holds, by name of the event (steps, waits) or of its phase. A complete one is not read again."""

    worker: Worker
    complete: bool
    broken_lines: int
    events: Mapping[str, _Events]


class Timeline:
    """What a source's timeline files say so far; 16 bytes an event are kept."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._files: dict[str, _File] = {}

    @property
    def broken_lines(self) -> int:
        """Lines of all files that were no events."""
        return sum(file.broken_lines for file in self._files.values())

    def read_new(self) -> None:
        """Take in what was written since the last time: the files that were not complete."""
        found = {name: match for name in self._source.names("framework/pevents/") if (match := _FILE.fullmatch(name))}
        wanted = [name for name in found if name not in self._files or not self._files[name].complete]
        for name, start, _ in ahead(self._source, [(name, 0, None) for name in wanted]):
            try:
                data = self._source.read(name, start)
            except FileMissing:  # a source whose time is up says so too: the next time, then
                continue
            self._files[name] = _parse((found[name]["node"], found[name]["process"]), data)

    def steps(self) -> list[Steps]:
        """Steps by host and mode, each with its wait where the script tells of waits."""
        found: dict[tuple[str, str], list[tuple[Values, Values, Values]]] = {}
        for (node, _), events in self._by_worker().items():
            steps = {match["mode"]: times for name, times in events.items() if (match := _STEP.fullmatch(name))}
            waited = waits_before({mode: starts for mode, (starts, _) in steps.items()}, events.get(_WAIT))
            for mode, (starts, durations) in steps.items():
                found.setdefault((node, mode), []).append((starts, durations, waited[mode]))
        return [_steps(node, mode, parts) for (node, mode), parts in sorted(found.items())]

    def spans(self) -> list[Spans]:
        """All that is no step, waits for batches among it, by host and phase."""
        found: dict[tuple[str, str], list[tuple[Values, Values]]] = {}
        for (node, _), events in self._by_worker().items():
            for name, times in events.items():
                if not _STEP.fullmatch(name):
                    found.setdefault((node, name), []).append(times)
        return [Spans(node, phase, *_in_order(parts)) for (node, phase), parts in sorted(found.items())]

    def _by_worker(self) -> dict[Worker, dict[str, tuple[Values, Values]]]:
        parts: dict[Worker, dict[str, list[tuple[Values, Values]]]] = {}
        for file in self._files.values():
            for name, events in file.events.items():
                times = np.array(events.starts, dtype=np.float64), np.array(events.durations, dtype=np.float64)
                parts.setdefault(file.worker, {}).setdefault(name, []).append(times)
        return {
            worker: {name: _in_order(times) for name, times in sorted(events.items())}
            for worker, events in sorted(parts.items())
        }


def waits_before(starts: Mapping[str, Values], waits: tuple[Values, Values] | None) -> dict[str, Values]:
    """How long each step waited: the waits that began after the step before it had, and before it did.

    `starts` are one process's steps by mode, ascending. Without any wait nothing is known: empty.
    """
    if waits is None or not len(waits[0]):
        return {mode: np.empty(0) for mode in starts}
    every = np.sort(np.concatenate(list(starts.values()))) if starts else np.empty(0)
    step = np.searchsorted(every, waits[0], side="left")
    ahead = step < len(every)  # a wait after the last step belongs to none that is known
    waited = np.zeros(len(every))
    np.add.at(waited, step[ahead], waits[1][ahead])
    return {mode: waited[np.searchsorted(every, times, side="left")] for mode, times in starts.items()}


def _parse(worker: Worker, data: bytes) -> _File:
    text = data.strip()
    complete = text.endswith(b"]")
    objects, broken = _trace_events(text, complete)
    events: dict[str, _Events] = {}
    phases: dict[Any, str] = {}
    origin = 0.0
    for one in objects:
        try:
            if one["ph"] == "M":
                arguments = one.get("args") or {}
                if one.get("name") == "process_name" and "name" in arguments:
                    phases[one["pid"]] = str(arguments["name"])
                origin = float(arguments.get("start_time_since_epoch_in_micros", origin))
            elif one["ph"] == "X":
                start, duration = (origin + float(one["ts"])) / 1e6, float(one["dur"]) / 1e6
                if not (0 <= start < 1e15 and 0 <= duration < 1e15):
                    raise ValueError(one)  # noqa: TRY301 - one more way to be no event
                times = events.setdefault(_kind(str(one["name"]), phases.get(one.get("pid"), "")), _Events())
                times.starts.append(start)
                times.durations.append(duration)
        except (AttributeError, KeyError, TypeError, ValueError):
            broken += 1
    return _File(worker, complete, broken, events)


def _trace_events(text: bytes, complete: bool) -> tuple[list[Any], int]:
    """The objects of a trace file, which may end in the middle of a line, and how many lines were broken."""
    whole = text if complete else text[: text.rfind(b"\n") + 1].rstrip().rstrip(b",") + b"]"
    try:
        return list(json.loads(whole)), 0
    except (TypeError, ValueError):
        pass
    objects, broken = [], 0
    for line in whole.strip(b"[]").split(b"\n"):
        if one := line.strip().rstrip(b","):
            try:
                objects.append(json.loads(one))
            except ValueError:
                broken += 1
    return objects, broken


def _kind(name: str, phase: str) -> str:
    """Under what an event is kept."""
    if _STEP.fullmatch(name):
        return name
    return _WAIT if "GetNext" in name else phase or name


def _in_order(parts: Iterable[tuple[Values, Values]]) -> tuple[Values, Values]:
    """Starts and durations of all parts, by start."""
    starts, durations = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.argsort(starts, kind="stable")
    return starts[order], durations[order]


def _steps(node: str, mode: str, parts: list[tuple[Values, Values, Values]]) -> Steps:
    """One host's steps of a mode, of all its processes; waits only where each process tells of them."""
    starts, durations, waits = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.argsort(starts, kind="stable")
    return Steps(node, mode, starts[order], durations[order], waits[order] if len(waits) == len(starts) else waits[:0])
