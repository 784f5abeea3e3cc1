"""From two looks to SageMaker's metrics."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_sagemaker.runtime.sampling.machine import Machine
from local_sagemaker.runtime.sampling.metrics import Look, Metric, cpu_percent, metrics, spread
from local_sagemaker.runtime.sampling.process_tree import Usage

GIB = 2**30


def look(at: float, *, usage: Usage, gpus: Sequence[tuple[float, float]] = (), **machine: object) -> Look:
    counters = {
        "io_wait": {0: 0.0, 1: 0.0},
        **dict.fromkeys(("disk_operations", "received", "transmitted", "loopback_received", "loopback_transmitted"), 0),
        **machine,
    }
    return Look(at, usage, Machine(**counters), gpus)  # type: ignore[arg-type]


def usage(
    cpu: dict[tuple[int, int], tuple[float, int]], *, read: int = 0, written: int = 0, memory: float = 0.0
) -> Usage:
    return Usage(cpu, {1: read}, {1: written}, memory)


def test_what_happened_between_two_looks() -> None:
    before = look(10.0, usage=usage({(1, 5): (3.0, 0), (2, 5): (1.0, 1)}, read=100))
    now = look(
        10.5,
        usage=usage({(1, 5): (3.4, 0), (2, 5): (1.1, 1), (3, 9): (0.05, 1)}, read=600, written=50, memory=4 * GIB),
        gpus=[(71.0, 20.0)],
        io_wait={0: 0.05, 1: 0.0},
        disk_operations=10,
        received=1000,
        loopback_transmitted=40,
    )
    assert list(metrics(before, now, 16 * GIB)) == [
        Metric("memory", "MemoryUsedPercent", "", 25.0),
        Metric("cpu", "cpu0", "CPUUtilization", pytest.approx(80.0)),  # type: ignore[arg-type]
        Metric("cpu", "cpu0", "I/OWaitPercentage", pytest.approx(10.0)),  # type: ignore[arg-type]
        Metric("cpu", "cpu1", "CPUUtilization", pytest.approx(30.0)),  # type: ignore[arg-type]
        Metric("cpu", "cpu1", "I/OWaitPercentage", 0.0),
        Metric("i/o", "IOPS", "", 20.0),
        Metric("i/o", "ReadThroughputInBytesPerSecond", "", 1000.0),
        Metric("i/o", "WriteThroughputInBytesPerSecond", "", 100.0),
        Metric("network", "ReceiveBytesPerSecond", "Algorithm", 2000.0),
        Metric("network", "TransmitBytesPerSecond", "Algorithm", 0.0),
        Metric("network", "ReceiveBytesPerSecond", "Platform", 0.0),
        Metric("network", "TransmitBytesPerSecond", "Platform", 80.0),
        Metric("gpu", "gpu0", "GPUUtilization", 71.0),
        Metric("gpu", "gpu0", "GPUMemoryUtilization", 20.0),
    ]


def test_an_id_that_came_back_is_another_thread() -> None:
    before, now = usage({(7, 100): (9.0, 0)}), usage({(7, 250): (0.2, 1)})
    assert cpu_percent(before, now, 1.0) == {1: pytest.approx(20.0)}


@given(
    used=st.dictionaries(st.integers(0, 7), st.floats(0, 400), max_size=8),
    cores=st.integers(1, 8),
)
def test_no_core_is_above_100_and_nothing_is_lost_that_fits(used: dict[int, float], cores: int) -> None:
    filled = spread(used, range(cores))
    assert set(filled) == set(range(cores))
    assert all(0 <= value <= 100 + 1e-9 for value in filled.values())
    assert sum(filled.values()) == pytest.approx(min(sum(used.values()), 100.0 * cores))
