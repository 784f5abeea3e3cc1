"""Two looks at a job and its machine become SageMaker's system metrics: pure arithmetic."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from local_sagemaker.runtime.sampling.machine import Machine
from local_sagemaker.runtime.sampling.process_tree import Usage


@dataclass(frozen=True)
class Look:
    """What was true at one moment; `at` is monotonic, seconds. `gpus`: (utilisation, memory) percent of each."""

    at: float
    usage: Usage
    machine: Machine
    gpus: Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Metric:
    """One line of a system metrics file, without its node and time."""

    type: str
    name: str
    dimension: str
    value: float


def metrics(before: Look, now: Look, memory_bytes: float) -> Iterator[Metric]:
    """What happened between two looks. `memory_bytes` is what the requested instance type has.

    CPU and disk throughput are the job's own; I/O wait, disk operations and network are this machine's, whose loopback
    stands for the platform's traffic.
    """
    seconds = max(now.at - before.at, 1e-6)
    yield Metric("memory", "MemoryUsedPercent", "", 100.0 * now.usage.memory_bytes / memory_bytes)
    waits = {
        core: 100.0 * (total - before.machine.io_wait.get(core, total)) / seconds
        for core, total in now.machine.io_wait.items()
    }
    used = spread(cpu_percent(before.usage, now.usage, seconds), sorted(waits))
    for core in sorted(waits):
        yield Metric("cpu", f"cpu{core}", "CPUUtilization", used[core])
        yield Metric("cpu", f"cpu{core}", "I/OWaitPercentage", min(100.0, max(0.0, waits[core])))
    operations = now.machine.disk_operations - before.machine.disk_operations
    yield Metric("i/o", "IOPS", "", max(0, operations) / seconds)
    for name, earlier, later in (
        ("ReadThroughputInBytesPerSecond", before.usage.read_bytes, now.usage.read_bytes),
        ("WriteThroughputInBytesPerSecond", before.usage.written_bytes, now.usage.written_bytes),
    ):
        yield Metric("i/o", name, "", _grown(earlier, later) / seconds)
    for dimension, name, grown in (
        ("Algorithm", "ReceiveBytesPerSecond", now.machine.received - before.machine.received),
        ("Algorithm", "TransmitBytesPerSecond", now.machine.transmitted - before.machine.transmitted),
        ("Platform", "ReceiveBytesPerSecond", now.machine.loopback_received - before.machine.loopback_received),
        ("Platform", "TransmitBytesPerSecond", now.machine.loopback_transmitted - before.machine.loopback_transmitted),
    ):
        yield Metric("network", name, dimension, max(0, grown) / seconds)
    for index, (utilisation, memory) in enumerate(now.gpus):
        yield Metric("gpu", f"gpu{index}", "GPUUtilization", utilisation)
        yield Metric("gpu", f"gpu{index}", "GPUMemoryUtilization", memory)


def cpu_percent(before: Usage, now: Usage, seconds: float) -> dict[int, float]:
    """What the threads used, percent of a core, counted where each ran last. New threads count from their start."""
    used: dict[int, float] = {}
    for thread, (total, core) in now.cpu.items():
        grown = total - before.cpu.get(thread, (0.0, core))[0]
        used[core] = used.get(core, 0.0) + 100.0 * max(0.0, grown) / seconds
    return used


def spread(used: Mapping[int, float], cores: Sequence[int]) -> dict[int, float]:
    """The same sum with no core above 100: a thread that changed cores is counted on its last one alone."""
    filled = {core: min(100.0, used.get(core, 0.0)) for core in cores}
    excess = sum(used.values()) - sum(filled.values())
    for core in cores:
        taken = min(excess, 100.0 - filled[core])
        filled[core] += taken
        excess -= taken
    return filled


def _grown(before: Mapping[int, int], now: Mapping[int, int]) -> int:
    return sum(max(0, total - before.get(pid, 0)) for pid, total in now.items())
