"""An entry of the shared cache: a folder of parts that several jobs may fill at the same time.

Who wants a part that is missing takes its lock, computes it and writes it by rename. Meanwhile the others compute other
parts, so that parallel trials share one pass over the data. A lock ends with the process that holds it, however that
ends; what it had not written is then taken over.
"""

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from part_file import Part, read_part, write_part
from stopping import StopRequest

USE = "use"  # locked while a job has the entry open; its time is that of the last use
POLL_SECONDS = 0.05
PATIENCE_SECONDS = 120.0  # without a new part by those who hold the locks: they may be stopped, or hang

Compute = Callable[[int], Part]
Keep = Callable[[int, Part], Part]


class NoRoom(Exception):
    """A part cannot be kept on disk; the message says why."""


class Entry:
    """Parts 0 to `parts` - 1. `make_room(bytes)` is called before a part is written, and raises NoRoom."""

    def __init__(self, folder: Path, parts: int, descriptor: int | None, make_room: Callable[[int], None]) -> None:
        self.folder = folder
        self.parts = parts
        self.no_room = ""  # why parts are not kept on disk any more
        self._descriptor = descriptor
        self._make_room = make_room

    def close(self) -> None:
        """Allow others to remove the entry; parts that were read stay readable."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def read(self, number: int) -> Part | None:
        """The part, where it is there."""
        return read_part(self._path(number))

    def fill(self, compute: Compute, stop: StopRequest, keep: Keep = lambda _, part: part) -> list[Part]:
        """All parts: those that are missing are computed here or awaited from another job.

        A part that cannot be written goes through `keep`, which says what stays of it in memory. Raises StopRequested.
        """
        found: dict[int, Part] = {}
        progress_at, waited = time.monotonic(), False
        while True:
            before = len(found)
            for number in range(self.parts):
                if number in found:
                    continue
                stop.check()
                late = time.monotonic() - progress_at > PATIENCE_SECONDS
                if (part := self.read(number) or self._claim(number, compute, keep, whatever=late)) is not None:
                    found[number] = part
                    progress_at = time.monotonic()
            if len(found) == self.parts:
                return [found[number] for number in range(self.parts)]
            if len(found) == before:
                if not waited:
                    waited = True
                    print(f"another job computes the rest of {self.folder.name}: waiting for it", flush=True)
                stop.check()
                time.sleep(POLL_SECONDS)

    def part(self, number: int, compute: Compute) -> Part:
        """One part, kept on disk where that can be done without waiting for anybody."""
        return self.read(number) or self._claim(number, compute, lambda _, part: part, whatever=True) or compute(number)

    def _claim(self, number: int, compute: Compute, keep: Keep, *, whatever: bool) -> Part | None:
        """The part, by this process; None while another one is at it, unless `whatever`."""
        with try_lock(self.folder / f"{number:05d}.lock") as mine:
            if not mine and not whatever:
                return None
            if (part := self.read(number)) is not None:
                return part
            part = compute(number)
            if self._write(number, part):
                return self.read(number) or part
            return keep(number, part)

    def _write(self, number: int, part: Part) -> bool:
        if self.no_room:
            return False
        try:
            self._make_room(len(part.content))
            write_part(self._path(number), part)
        except NoRoom as error:
            self.no_room = str(error)
        except OSError as error:
            self.no_room = f"{self.folder.parent} cannot be written to: {error.strerror or error}"
        if self.no_room:
            print(f"cache: {self.no_room}; the rest of {self.folder.name} is kept in memory", flush=True)
        return not self.no_room

    def _path(self, number: int) -> Path:
        return self.folder / f"{number:05d}.part"


@contextlib.contextmanager
def try_lock(path: Path) -> Iterator[bool]:
    """Whether the lock of this file is this process's, until the end of the block or of the process.

    Where a file system has no locks or may not be written to, everybody has it: then work may be done twice, and what
    is written is whole all the same.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError:
        yield True
        return
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            mine = True
        except BlockingIOError:
            mine = False
        except OSError:
            mine = True
        yield mine
    finally:
        os.close(descriptor)
