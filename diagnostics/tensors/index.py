"""smdebug's index files, one a step and worker: which tensors were saved, and where in the event file they lie.

    index/<step // 1000, 9 digits>/<step, 12 digits>_<worker>.json
    {"meta": {"mode": "TRAIN", "mode_step": 3, "event_file_name": "events/<step>/<step>_<worker>.tfevents"},
     "tensor_payload": [{"tensorname", "start_idx", "length"}], "shape_payload": [...]}

A tensor of which only figures were saved has one entry a figure: smdebug/reductions/abs_mean/<tensor>.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from diagnostics.tensors.saved_step import Mode

FOLDER = "index/"
REDUCTIONS = "smdebug/reductions/"
CHIEF = "worker_0"
_NAME = re.compile(r"^index/\d+/(?P<step>\d+)_(?P<worker>.+)\.json$")


class BrokenIndex(ValueError):
    """An index file is not what smdebug writes; the message says why."""


@dataclass(frozen=True)
class Location:
    """Where a record lies in the event file, in bytes."""

    start: int
    length: int


@dataclass(frozen=True)
class StepIndex:
    """What one worker saved at a step. `locations` are by the name in the index, reductions included."""

    step: int
    mode: Mode
    mode_step: int
    event_file: str
    locations: Mapping[str, Location]

    def wholes(self) -> frozenset[str]:
        """The tensors saved whole."""
        return frozenset(name for name in self.locations if not name.startswith(REDUCTIONS))

    def reductions(self) -> dict[str, frozenset[str]]:
        """The saved figures by tensor: {"gradient/fc.weight": {"abs_mean", "l2"}}."""
        found: dict[str, set[str]] = {}
        for name in self.locations:
            if name.startswith(REDUCTIONS):
                reduction, _, tensor = name.removeprefix(REDUCTIONS).partition("/")
                found.setdefault(tensor, set()).add(reduction)
        return {tensor: frozenset(reductions) for tensor, reductions in found.items()}


def tensor_of(name: str) -> str:
    """The tensor that a name in the index is about: itself, or what it is a reduction of."""
    return name.removeprefix(REDUCTIONS).partition("/")[2] if name.startswith(REDUCTIONS) else name


def step_and_worker(name: str) -> tuple[int, str] | None:
    """Of an index file's name; None for any other."""
    found = _NAME.match(name)
    return None if found is None else (int(found["step"]), found["worker"])


def index_file(step: int, worker: str) -> str:
    """The name of a worker's index file."""
    return f"{folder_of(step)}{step:012d}_{worker}.json"


def folder_of(step: int) -> str:
    """The folder of a step's index files."""
    return f"{FOLDER}{step // 1000:09d}/"


def parse_index(step: int, content: bytes) -> StepIndex:
    """Raises BrokenIndex."""
    try:
        document = json.loads(content)
        meta = document["meta"]
        locations = {
            str(entry["tensorname"]): Location(_position(entry["start_idx"]), _position(entry["length"]))
            for entry in document.get("tensor_payload") or ()
        }
        event_file = str(meta["event_file_name"]) if locations else ""
        mode, mode_step = Mode(str(meta["mode"]).strip()), int(meta["mode_step"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BrokenIndex(f"the index of step {step} cannot be read: {type(error).__name__}: {error}") from error
    if event_file.startswith("/") or ".." in event_file.split("/"):
        raise BrokenIndex(f"the index of step {step} names {event_file!r}, which is no file of this job")
    return StepIndex(step, mode, mode_step, event_file, locations)


def _position(value: Any) -> int:
    position = int(value)
    if position < 0:
        raise ValueError(f"{position} is no position in a file")
    return position
