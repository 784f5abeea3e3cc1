"""The processes of one job, and what they have used so far, from /proc.

A sample costs some ten microseconds a thread of the processes that computed since the last one. Whole trees are looked
for every RESCAN_SECONDS, and what the first threads started meanwhile at each sample.
"""

import contextlib
import os
from dataclasses import dataclass, field

PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
RESCAN_SECONDS = 2.0
SHARED_MEMORY_SECONDS = 10.0  # between two looks at what several processes share: milliseconds a gigabyte


@dataclass(frozen=True)
class Usage:
    """What a job's processes have used since their start: seconds of CPU a thread and the core it ran on last.

    `cpu` maps (thread, its start) to (seconds, core); `read_bytes` and `written_bytes` reached the disk;
    `memory_bytes` is resident now, shared pages once.
    """

    cpu: dict[tuple[int, int], tuple[float, int]]
    read_bytes: dict[int, int]
    written_bytes: dict[int, int]
    memory_bytes: float


@dataclass
class ProcessTree:
    """A process and everything below it."""

    root: int
    _pids: set[int] = field(default_factory=set)
    _scanned_at: float = float("-inf")
    _shared: int = 0  # what the sum of resident memory counts more than once
    _shared_at: float = float("-inf")
    _ticks: dict[int, int] = field(default_factory=dict)  # of a whole process, at the last look
    _threads: dict[int, dict[tuple[int, int], tuple[float, int]]] = field(default_factory=dict)

    def usage(self, now: float) -> Usage:
        """What they have used by now. `now` is monotonic, seconds."""
        self._find(now)
        cpu: dict[tuple[int, int], tuple[float, int]] = {}
        read: dict[int, int] = {}
        written: dict[int, int] = {}
        for pid in self._pids:
            with contextlib.suppress(OSError):  # it has ended
                cpu |= self._cpu(pid)
                read[pid], written[pid] = _disk(pid)
        return Usage(cpu, read, written, self._memory(now))

    def _cpu(self, pid: int) -> dict[tuple[int, int], tuple[float, int]]:
        """Of each thread; a process that computed nothing since the last look is as it was."""
        fields = _stat(f"/proc/{pid}/stat")
        ticks = int(fields[11]) + int(fields[12])
        if self._ticks.get(pid) != ticks:
            self._threads[pid] = _threads(pid)
            self._ticks[pid] = ticks
        return self._threads[pid]

    def _find(self, now: float) -> None:
        whole = now - self._scanned_at >= RESCAN_SECONDS
        found, below = {self.root}, [self.root]
        while below:
            new = [child for pid in below for child in _children(pid, all_threads=whole) if child not in found]
            found.update(new)
            below = new
        if whole:
            self._scanned_at = now
            self._pids = found
        else:
            self._pids |= found

    def _memory(self, now: float) -> float:
        resident = {pid: size for pid in self._pids if (size := _resident(pid))}
        total = sum(resident.values())
        if len(resident) < 2:
            return float(total)
        if now - self._shared_at >= SHARED_MEMORY_SECONDS:
            self._shared, self._shared_at = total - sum(map(_proportional, resident)), now
        return float(max(total - self._shared, *resident.values()))


def _children(pid: int, *, all_threads: bool) -> list[int]:
    found: list[int] = []
    with contextlib.suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task") if all_threads else (str(pid),):
            with contextlib.suppress(OSError):
                found += map(int, _read(f"/proc/{pid}/task/{thread}/children").split())
    return found


def _threads(pid: int) -> dict[tuple[int, int], tuple[float, int]]:
    """CPU seconds and core of each thread; by id and start, for ids come back."""
    found = {}
    for thread in os.listdir(f"/proc/{pid}/task"):
        with contextlib.suppress(OSError):
            fields = _stat(f"/proc/{pid}/task/{thread}/stat")
            seconds = (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND
            found[int(thread), int(fields[19])] = (seconds, int(fields[36]))
    return found


def _disk(pid: int) -> tuple[int, int]:
    values = dict(line.split(b": ") for line in _read(f"/proc/{pid}/io").splitlines())
    return int(values[b"read_bytes"]), int(values[b"write_bytes"])


def _resident(pid: int) -> int:
    with contextlib.suppress(OSError):
        return int(_read(f"/proc/{pid}/statm").split()[1]) * PAGE_BYTES
    return 0


def _proportional(pid: int) -> int:
    """Resident bytes, of shared pages this process's part."""
    with contextlib.suppress(OSError):
        for line in _read(f"/proc/{pid}/smaps_rollup").splitlines():
            if line.startswith(b"Pss:"):
                return int(line.split()[1]) * 1024
    return 0


def _stat(path: str) -> list[bytes]:
    """The fields from the state on: the name before it may hold anything."""
    return _read(path).rpartition(b")")[2].split()


def _read(path: str) -> bytes:
    """A small file of /proc, in three system calls."""
    file = os.open(path, os.O_RDONLY)
    try:
        return os.read(file, 65536)
    finally:
        os.close(file)
