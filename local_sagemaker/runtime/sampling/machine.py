"""What only the machine as a whole tells: I/O wait, disk operations, network."""

import contextlib
import os
from dataclasses import dataclass

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Machine:
    """Counters since its start. `io_wait` is seconds by core; the rest operations and bytes.

    `loopback` is what processes here say to each other, such as a job and local_sagemaker.
    """

    io_wait: dict[int, float]
    disk_operations: int
    received: int
    transmitted: int
    loopback_received: int
    loopback_transmitted: int


def read_machine() -> Machine:
    """The counters now."""
    network = dict(map(_interface, _lines("/proc/net/dev")[2:]))
    loopback = network.pop("lo", (0, 0))
    return Machine(
        io_wait={
            int(fields[0][3:]): int(fields[5]) / TICKS_PER_SECOND
            for fields in map(str.split, _lines("/proc/stat"))
            if fields[0].startswith("cpu") and fields[0] != "cpu"
        },
        disk_operations=sum(map(_operations, _lines("/proc/diskstats"))),
        received=sum(received for received, _ in network.values()),
        transmitted=sum(transmitted for _, transmitted in network.values()),
        loopback_received=loopback[0],
        loopback_transmitted=loopback[1],
    )


def _interface(line: str) -> tuple[str, tuple[int, int]]:
    name, _, rest = line.partition(":")
    fields = rest.split()
    return name.strip(), (int(fields[0]), int(fields[8]))


def _operations(line: str) -> int:
    """Reads and writes of a whole disk; partitions and loop devices would count them again."""
    fields = line.split()
    return int(fields[3]) + int(fields[7]) if os.path.exists(f"/sys/block/{fields[2]}/device") else 0


def _lines(path: str) -> list[str]:
    with contextlib.suppress(FileNotFoundError), open(path, encoding="ascii", errors="replace") as file:
        return file.read().splitlines()
    return []
