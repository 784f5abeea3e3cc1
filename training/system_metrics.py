"""Two looks at this machine become SageMaker's system metrics: what Profiler would see from outside the container."""

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import psutil  # type: ignore[import-untyped] # its stubs are a package that nothing else needs
from gpus import Gpus, gpus_of_this_machine


class CoreTimes(NamedTuple):
    """Seconds since the machine's start that one core has worked, waited for I/O, and all of them."""

    busy: float
    io_wait: float
    total: float


@dataclass(frozen=True)
class Look:
    """What was true at one moment. `at` is monotonic, in seconds; the rest counts since the machine's start.

    Network counts every interface but the loopback. `gpus`: utilisation and used share of the memory, percent.
    """

    at: float
    memory_percent: float
    cores: tuple[CoreTimes, ...]
    disk_operations: int
    read_bytes: int
    written_bytes: int
    received_bytes: int
    sent_bytes: int
    gpus: tuple[tuple[float, float], ...]


class Metric(NamedTuple):
    """One value by SageMaker's names."""

    type: str
    name: str
    dimension: str
    value: float


def metrics(before: Look, now: Look) -> Iterator[Metric]:
    """What happened between two looks."""
    yield Metric("memory", "MemoryUsedPercent", "", now.memory_percent)
    for index, (earlier, later) in enumerate(zip(before.cores, now.cores, strict=False)):
        seconds = later.total - earlier.total
        yield Metric("cpu", f"cpu{index}", "CPUUtilization", _percent(later.busy - earlier.busy, seconds))
        yield Metric("cpu", f"cpu{index}", "I/OWaitPercentage", _percent(later.io_wait - earlier.io_wait, seconds))
    seconds = max(now.at - before.at, 1e-6)
    for kind, name, dimension, grown in (
        ("i/o", "IOPS", "", now.disk_operations - before.disk_operations),
        ("i/o", "ReadThroughputInBytesPerSecond", "", now.read_bytes - before.read_bytes),
        ("i/o", "WriteThroughputInBytesPerSecond", "", now.written_bytes - before.written_bytes),
        ("network", "ReceiveBytesPerSecond", "Algorithm", now.received_bytes - before.received_bytes),
        ("network", "TransmitBytesPerSecond", "Algorithm", now.sent_bytes - before.sent_bytes),
    ):
        yield Metric(kind, name, dimension, max(0, grown) / seconds)
    for index, (utilisation, memory) in enumerate(now.gpus):
        yield Metric("gpu", f"gpu{index}", "GPUUtilization", utilisation)
        yield Metric("gpu", f"gpu{index}", "GPUMemoryUtilization", memory)


def _percent(part: float, whole: float) -> float:
    return min(100.0, max(0.0, 100.0 * part / whole)) if whole > 0 else 0.0


class SystemMetrics:
    """The metrics since the last time that they were taken."""

    def __init__(self, look: Callable[[], Look]) -> None:
        self._look = look
        self._last = look()

    def take(self) -> list[Metric]:
        """What happened since."""
        now = self._look()
        taken = list(metrics(self._last, now))
        self._last = now
        return taken


@contextlib.contextmanager
def metrics_of_this_machine() -> Iterator[SystemMetrics]:
    """Of all its cores, disks, interfaces and GPUs."""
    with gpus_of_this_machine() as gpus:
        yield SystemMetrics(lambda: look_at_this_machine(gpus))


def look_at_this_machine(gpus: Gpus) -> Look:
    """Its counters now."""
    disks = psutil.disk_io_counters()  # None without any
    outer = [counters for name, counters in psutil.net_io_counters(pernic=True).items() if name != "lo"]
    return Look(
        at=time.monotonic(),
        memory_percent=psutil.virtual_memory().percent,
        cores=tuple(map(_core_times, psutil.cpu_times(percpu=True))),
        disk_operations=disks.read_count + disks.write_count if disks else 0,
        read_bytes=disks.read_bytes if disks else 0,
        written_bytes=disks.write_bytes if disks else 0,
        received_bytes=sum(counters.bytes_recv for counters in outer),
        sent_bytes=sum(counters.bytes_sent for counters in outer),
        gpus=tuple(gpus.read()),
    )


def _core_times(times: Any) -> CoreTimes:
    # Guests' time is counted in user and nice already.
    total = sum(times) - getattr(times, "guest", 0.0) - getattr(times, "guest_nice", 0.0)
    io_wait = getattr(times, "iowait", 0.0)  # Linux has it
    return CoreTimes(total - times.idle - io_wait, io_wait, total)
