"""Which saved steps there are, as their index files come.

The hook writes the steps of a worker one after the other, each index file whole, by rename, and after its event file.
So a step is there as soon as its index file is, and what sorts before it was there before. But listing a folder takes
time: a listing may miss a file that came while it was under way and have a later one. Hence two listings, of which the
second says what there is up to the newest step of the first. Nothing is held back for time to pass.

In S3 files may come in any order all the same: a step that comes too late is told apart by `Arrivals.look`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from diagnostics.source import Source
from diagnostics.tensors.index import CHIEF, FOLDER, folder_of, step_and_worker


@dataclass(frozen=True)
class Writer:
    """A worker that saves tensors: its name, and which of the sources its files lie in."""

    source: int
    worker: str

    def rank(self) -> tuple[bool, int, str, int]:
        """The chief sorts first: worker_0, else the lowest number; of several hosts the first."""
        number = self.worker.rpartition("_")[2]
        return (self.worker != CHIEF, int(number) if number.isdigit() else 1 << 62, self.worker, self.source)


class Arrivals:
    """The steps that the chief worker of some sources has saved."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self._sources = sources
        self._steps: dict[Writer, set[int]] = {}
        self._listed: list[Sequence[str]] = []
        self._found: dict[Writer, set[int]] = {}

    @property
    def chief(self) -> Writer | None:
        """Whose steps count; None while nothing was saved. Seldom, a later look finds another one."""
        return min(self._steps, key=Writer.rank, default=None)

    def steps(self) -> set[int]:
        """All known steps of the chief."""
        return self._steps.get(self.chief, set()) if self.chief is not None else set()

    def look(self, *, everywhere: bool, final: bool) -> set[int]:
        """The chief's steps that are new. `final`: nothing is being written any more.

        Looks from the newest known step's folder (of a thousand steps) on, or `everywhere`.
        """
        known = self.steps()
        after = "" if everywhere or not known else folder_of(max(known))
        chief, found = self.chief, self._list(after)
        if not final and any(steps - self._steps.get(writer, set()) for writer, steps in found.items()):
            newest = {writer: max(steps) for writer, steps in found.items()}
            found = {
                writer: {step for step in steps if step <= newest[writer]}
                for writer, steps in self._list(after).items()
                if writer in newest
            }
        fresh = {writer: steps - self._steps.get(writer, set()) for writer, steps in found.items()}
        for writer, steps in fresh.items():
            self._steps.setdefault(writer, set()).update(steps)
        return set(self.steps()) if self.chief != chief else fresh.get(chief, set()) if chief is not None else set()

    def _list(self, after: str) -> dict[Writer, set[int]]:
        listed = [source.names(FOLDER, after) for source in self._sources]
        if listed != self._listed:  # else nothing is new, as it mostly is
            self._listed, self._found = listed, {}
            for number, names in enumerate(listed):
                for step, worker in _steps_and_workers(names):
                    self._found.setdefault(Writer(number, worker), set()).add(step)
        return self._found


def _steps_and_workers(names: Iterable[str]) -> Iterable[tuple[int, str]]:
    return (found for name in names if (found := step_and_worker(name)) is not None)
