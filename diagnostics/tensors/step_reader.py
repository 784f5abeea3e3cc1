"""Reading the wanted tensors of one saved step with few reads."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from diagnostics.source import FileMissing, Part, Source
from diagnostics.tensors.events import BrokenEvents, read_record
from diagnostics.tensors.index import Location, StepIndex
from diagnostics.tensors.saved_step import Tensor, TensorMissing

# What lies between two wanted records is read along where that is cheaper than another read: in S3 a read is a round
# trip. A rule that keeps a tensor keeps what was read with it, so that is not much; and small parts are those that a
# source can fetch side by side.
GAP_BYTES = 256 * 1024
RUN_BYTES = 1024 * 1024


@dataclass(frozen=True)
class Run:
    """Records that one read fetches: `length` bytes from `start`."""

    start: int
    length: int
    names: tuple[str, ...]


def runs(wanted: Iterable[tuple[str, Location]], gap: int = GAP_BYTES, most: int = RUN_BYTES) -> list[Run]:
    """Put neighbouring records together. A run is longer than `most` only where one record is."""
    found: list[Run] = []
    for name, location in sorted(wanted, key=lambda item: item[1].start):
        last = found[-1] if found else None
        end = location.start + location.length
        if last is not None and location.start - (last.start + last.length) <= gap and end - last.start <= most:
            length = max(last.start + last.length, end) - last.start
            found[-1] = Run(last.start, length, (*last.names, name))
        else:
            found.append(Run(location.start, location.length, (name,)))
    return found


class StepReader:
    """Loads tensors of one step by their names in the index; `missed` is told once of each that cannot be read.

    What `wanted` says yes to is read together with its neighbours, the first time one of them is asked for. The bytes
    are let go as their tensors are: a tensor points into what was read.
    """

    def __init__(
        self, source: Source, index: StepIndex, wanted: Callable[[str], bool], missed: Callable[[StepIndex, str], None]
    ) -> None:
        self._source = source
        self._index = index
        self._wanted = wanted
        self._missed = missed
        self._run_of: dict[str, Run] | None = None
        self._read: dict[str, memoryview] = {}
        self._gone: dict[str, str] = {}

    def parts(self) -> list[Part]:
        """What will be read for all that is wanted now."""
        return [(self._index.event_file, run.start, run.length) for run in self._wanted_runs()]

    def load(self, name: str) -> Tensor:
        """The tensor. Raises TensorMissing."""
        location = self._index.locations.get(name)
        if location is None:
            raise TensorMissing(f"{name} was not saved at step {self._index.step}")
        if name in self._gone:
            raise TensorMissing(self._gone[name])
        try:
            return self._load(name, location)
        except FileMissing as error:
            reason = f"{self._index.event_file} is not there"
            cause: Exception = error
        except BrokenEvents as error:
            reason = f"{self._index.event_file} is broken: {error}"
            cause = error
        message = self._gone[name] = f"{name} of step {self._index.step} cannot be read: {reason}"
        self._missed(self._index, message)
        raise TensorMissing(message) from cause

    def _load(self, name: str, location: Location) -> Tensor:
        record = self._read.pop(name, None)
        if record is None:
            run = self._runs().get(name) or Run(location.start, location.length, (name,))
            self._fetch(run)
            record = self._read.pop(name)
        tensor = read_record(record)
        if tensor.name != name:
            raise BrokenEvents(f"at byte {location.start} lies {tensor.name!r}")
        if tensor.value is None:
            raise TensorMissing(f"{name} of step {self._index.step} is text")
        return tensor.value

    def _runs(self) -> dict[str, Run]:
        if self._run_of is None:
            self._run_of = {name: run for run in self._wanted_runs() for name in run.names}
        return self._run_of

    def _wanted_runs(self) -> list[Run]:
        return runs((name, location) for name, location in self._index.locations.items() if self._wanted(name))

    def _fetch(self, run: Run) -> None:
        content = memoryview(self._source.read(self._index.event_file, run.start, run.length))
        for name in run.names:
            location = self._index.locations[name]
            self._read[name] = content[location.start - run.start :][: location.length]
