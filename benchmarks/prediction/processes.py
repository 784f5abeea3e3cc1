"""What a server's processes cost, read from /proc: CPU seconds and memory of whole trees."""

import json
import os
import signal
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
GONE = (FileNotFoundError, ProcessLookupError, PermissionError)


@dataclass(frozen=True)
class Memory:
    """Bytes: `pss` counts what processes share once, by shares; `rss` counts it in each of them."""

    pss: int
    rss: int


@dataclass(frozen=True)
class Part:
    """A named part of a server: `roots` says which process ids head its trees now."""

    name: str
    roots: Callable[[], Collection[int]]

    @property
    def pids(self) -> set[int]:
        """All processes of the part that live now."""
        return trees(self.roots())


def trees(roots: Collection[int]) -> set[int]:
    """The processes `roots` and all their descendants."""
    children: dict[int, list[int]] = {}
    for pid, parent in _parents():
        children.setdefault(parent, []).append(pid)
    found: set[int] = set()
    waiting = [pid for pid in roots if Path(f"/proc/{pid}").exists()]
    while waiting:
        pid = waiting.pop()
        if pid not in found:
            found.add(pid)
            waiting += children.get(pid, [])
    return found


def cpu_seconds(pids: Collection[int]) -> float:
    """User and system time so far of living processes, and of children that they have waited for."""
    return sum(sum(map(int, fields[11:15])) for fields in map(_stat, pids) if fields) / TICKS


def memory(pids: Collection[int]) -> Memory:
    """Of living processes, together."""
    pss = rss = 0
    for pid in pids:
        with suppress(*GONE):
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                name, _, value = line.partition(":")
                if name in {"Pss", "Rss"}:
                    pss += int(value.split()[0]) * 1024 * (name == "Pss")
                    rss += int(value.split()[0]) * 1024 * (name == "Rss")
    return Memory(pss, rss)


def model_servers(state_dir: Path) -> set[int]:
    """The processes that head the model servers of a local_sagemaker: each has a record of its own, by its shim."""
    found = set()
    for record in (state_dir / "endpoints").rglob("process.json"):
        with suppress(FileNotFoundError, ValueError):
            found.add(int(json.loads(record.read_bytes())["shim_pid"]))
    return {pid for pid in found if _stat(pid)}


@contextmanager
def stopped(pids: Collection[int]) -> Iterator[None]:
    """Hold processes still (SIGSTOP), so that a server that is not measured costs nothing."""
    for pid in pids:
        with suppress(*GONE):
            os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            with suppress(*GONE):
                os.kill(pid, signal.SIGCONT)


def kill(pids: Collection[int]) -> None:
    """SIGKILL to those that live."""
    for pid in pids:
        with suppress(*GONE):
            os.kill(pid, signal.SIGKILL)


def _parents() -> Iterator[tuple[int, int]]:
    for name in os.listdir("/proc"):
        if name.isdecimal() and (fields := _stat(int(name))):
            yield int(name), int(fields[1])


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the state on, none when the process is gone or a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except GONE:
        return []
    return [] if fields[0] == "Z" else fields


def listening_ports(pid: int) -> set[int]:
    """TCP ports (IPv4) on which the process listens."""
    inodes = set()
    with suppress(*GONE):
        for link in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(*GONE):
                inodes.add(os.readlink(link).removeprefix("socket:[").removesuffix("]"))
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {int(row[1].rpartition(":")[2], 16) for row in rows if row[3] == "0A" and row[9] in inodes}
