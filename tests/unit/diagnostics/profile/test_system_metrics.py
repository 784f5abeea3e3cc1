"""System metric files: what is read of them, however they come, and smdebug's reader as the judge of the format."""

import math
import random
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from smdebug.profiler.system_metrics_reader import LocalSystemMetricsReader

from diagnostics.profile.profile import NodeProfile, Series
from diagnostics.profile.samples import LIMIT
from diagnostics.profile.system_metrics import SystemMetrics, parse_lines
from diagnostics.source import FileMissing, Folder, Part
from tests.unit.diagnostics.profiles import START, metric_lines, node, series, write_metrics

COUNTING = [float(index % 100) for index in range(400)]  # 200 seconds: four files


def read(root: Path) -> dict[str, NodeProfile]:
    metrics = SystemMetrics(Folder(root))
    metrics.read_new()
    assert metrics.broken_lines == 0
    return metrics.nodes()


def same(one: Series, other: Series) -> bool:
    return np.array_equal(one.times, other.times) and np.allclose(one.values, other.values)


def same_nodes(one: Mapping[str, NodeProfile], other: Mapping[str, NodeProfile]) -> bool:
    members = ("cpu", "io_wait", "gpu", "gpu_memory", "io", "network")
    rows = [
        ({"memory": one[name].memory} | {f"{m}/{k}": v for m in members for k, v in getattr(one[name], m).items()})
        for name in one
    ]
    others = [
        ({"memory": other[name].memory} | {f"{m}/{k}": v for m in members for k, v in getattr(other[name], m).items()})
        for name in other
    ]
    return list(one) == list(other) and all(
        a.keys() == b.keys() and all(same(a[key], b[key]) for key in a) for a, b in zip(rows, others, strict=True)
    )


def test_every_metric_is_read(tmp_path: Path) -> None:
    written = {
        "algo-1": node(cpu=COUNTING, memory=COUNTING, gpu=[COUNTING, 5.0], seconds=200, cores=12),
        "algo-2": node(cpu=3.0, memory=4.0, io_wait=5.0, seconds=200),
    }
    for host, one in written.items():
        write_metrics(tmp_path, metric_lines(host, one), host)
    found = read(tmp_path)
    assert same_nodes(found, written)
    assert list(found["algo-1"].cpu) == [f"cpu{core}" for core in range(12)]


def test_smdebug_reads_the_same(tmp_path: Path) -> None:
    one = node(cpu=COUNTING[:60], memory=10.59, gpu=[71.0], seconds=30)
    write_metrics(tmp_path, metric_lines("algo-1", one), "algo-1")
    events = LocalSystemMetricsReader(str(tmp_path)).get_events(0, (START + 1000) * 1e6)
    theirs: dict[tuple[str, str, str], list[tuple[float, float]]] = {}
    for event in events:
        theirs.setdefault((event.type, event.name, event.dimension), []).append((event.timestamp, event.value))
    ours = read(tmp_path)["algo-1"]
    for kind, name, dimension, expected in (
        ("memory", "MemoryUsedPercent", "", ours.memory),
        ("cpu", "cpu0", "CPUUtilization", ours.cpu["cpu0"]),
        ("cpu", "cpu3", "I/OWaitPercentage", ours.io_wait["cpu3"]),
        ("gpu", "gpu0", "GPUUtilization", ours.gpu["gpu0"]),
        ("gpu", "gpu0", "GPUMemoryUtilization", ours.gpu_memory["gpu0"]),
        ("i/o", "IOPS", "", ours.io["IOPS"]),
        ("network", "ReceiveBytesPerSecond", "Algorithm", ours.network["ReceiveBytesPerSecond"]),
    ):
        times, values = np.array(sorted(theirs[kind, name, dimension])).T
        assert same(Series(times, values), expected), (kind, name)
    assert len(events) == 60 * len(theirs)


def test_reading_along_is_reading_at_once(tmp_path: Path) -> None:
    lines = metric_lines("algo-1", node(cpu=COUNTING, memory=7.0, seconds=200))
    along = SystemMetrics(Folder(tmp_path))
    for first in range(0, len(lines), 700):  # in the middle of samples and of files
        write_metrics(tmp_path, lines[first : first + 700], "algo-1")
        along.read_new()
    assert along.broken_lines == 0
    assert same_nodes(along.nodes(), read(tmp_path))
    assert len(along.nodes()["algo-1"].memory.times) == 400


def test_a_file_that_grew_while_nobody_looked_is_read_to_its_end(tmp_path: Path) -> None:
    lines = metric_lines("algo-1", node(cpu=1.0, seconds=600))
    along = SystemMetrics(Folder(tmp_path))
    write_metrics(tmp_path, lines[:50], "algo-1")
    along.read_new()
    write_metrics(tmp_path, lines[50:], "algo-1")  # nine more files since
    along.read_new()
    assert same_nodes(along.nodes(), read(tmp_path))


def test_a_source_whose_time_is_up_is_asked_again(tmp_path: Path) -> None:
    lines = metric_lines("algo-1", node(cpu=1.0, seconds=600))
    source = CountingFolder(tmp_path)
    metrics = SystemMetrics(source)
    write_metrics(tmp_path, lines[:50], "algo-1")
    metrics.read_new()
    write_metrics(tmp_path, lines[50:], "algo-1")
    for allowed in (0, 2, 5, 100):
        source.allowed = source.reads + allowed
        metrics.read_new()
    assert same_nodes(metrics.nodes(), read(tmp_path))


def test_each_byte_is_read_once(tmp_path: Path) -> None:
    paths = write_metrics(tmp_path, metric_lines("algo-1", node(seconds=600)), "algo-1")
    counting = CountingFolder(tmp_path)
    metrics = SystemMetrics(counting)
    for _ in range(5):
        metrics.read_new()
    assert counting.read_bytes == sum(path.stat().st_size for path in paths)
    assert counting.reads <= len(paths) + 4 * 3  # the newest three are looked at again
    assert counting.announced == counting.parts


def test_a_line_that_is_not_written_yet_is_read_later(tmp_path: Path) -> None:
    path = write_metrics(tmp_path, metric_lines("algo-1", node(seconds=1)), "algo-1")[0]
    whole = path.read_bytes()
    metrics = SystemMetrics(Folder(tmp_path))
    for cut in (1, len(whole) // 2, len(whole) - 2, len(whole) - 1, len(whole)):
        path.write_bytes(whole[:cut])
        metrics.read_new()
    assert metrics.broken_lines == 0
    assert len(metrics.nodes()["algo-1"].memory.times) == 2
    assert same_nodes(metrics.nodes(), read(tmp_path))


@pytest.mark.parametrize(
    "broken",
    [
        '{"Type":"cpu","Name":"cpu0","Dime',
        "[1]",
        "7",
        "null",
        "\x00\x00",
        '{"Type":"memory","Name":"MemoryUsedPercent","Dimension":"","NodeId":"algo-1","Timestamp":1.0}',
        '{"Type":"memory","Name":"MemoryUsedPercent","Dimension":"","Value":"much","NodeId":"algo-1","Timestamp":1.0}',
        '{"Type":"memory","Name":"MemoryUsedPercent","Dimension":"","Value":NaN,"NodeId":"algo-1","Timestamp":1.0}',
        '{"Type":"memory","Name":"MemoryUsedPercent","Dimension":"","Value":[1],"NodeId":"algo-1","Timestamp":1.0}',
        '{"Type":["memory"],"Name":"MemoryUsedPercent","Dimension":"","Value":1,"NodeId":"algo-1","Timestamp":1.0}',
    ],
)
def test_a_broken_line_is_counted_and_left_out(tmp_path: Path, broken: str) -> None:
    path = write_metrics(tmp_path, metric_lines("algo-1", node(memory=40.0, seconds=2)), "algo-1")[0]
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:5], broken, *lines[5:]]) + "\n")
    metrics = SystemMetrics(Folder(tmp_path))
    metrics.read_new()
    assert metrics.broken_lines == 1
    assert list(metrics.nodes()["algo-1"].memory.values) == [40.0] * 4


def test_what_is_not_understood_is_left_out(tmp_path: Path) -> None:
    strange = [
        '{"Type":"fan","Name":"fan0","Dimension":"Speed","Value":1.0,"NodeId":"algo-1","Timestamp":1.0}\n',
        '{"Type":"cpu","Name":"turbo","Dimension":"CPUUtilization","Value":1.0,"NodeId":"algo-1","Timestamp":1.0}\n',
        '{"Type":"network","Name":"ReceiveBytesPerSecond","Dimension":"Platform","Value":1.0,"NodeId":"algo-1",'
        '"Timestamp":1.0}\n',
    ]
    write_metrics(tmp_path, [(START, line) for line in strange], "algo-1")
    assert read(tmp_path) == {}
    (tmp_path / "system/incremental/notes.txt").write_text("nothing")
    assert read(tmp_path) == {}


def test_times_out_of_order_are_sorted(tmp_path: Path) -> None:
    lines = metric_lines("algo-1", node(cpu=COUNTING[:50], memory=COUNTING[:50], seconds=25))
    random.Random(0).shuffle(lines)
    write_metrics(tmp_path, lines, "algo-1")
    assert list(read(tmp_path)["algo-1"].memory.values) == COUNTING[:50]


def test_a_very_long_job_keeps_its_peaks_in_bounded_memory(tmp_path: Path) -> None:
    values = np.random.default_rng(0).uniform(10, 60, 2 * LIMIT)
    values[77_777], values[33] = 99.5, 0.25
    metrics = SystemMetrics(Folder(tmp_path))
    path = tmp_path / "system/incremental/2025012110/1737457740.algo-1.json"
    path.parent.mkdir(parents=True)
    path.write_text(
        "".join(
            f'{{"Type":"memory","Name":"MemoryUsedPercent","Dimension":"","Value":{value},"NodeId":"algo-1",'
            f'"Timestamp":{START + index / 2}}}\n'
            for index, value in enumerate(values)
        )
    )
    metrics.read_new()
    memory = metrics.nodes()["algo-1"].memory
    assert len(memory.values) < LIMIT
    assert (memory.values.max(), memory.values.min()) == (99.5, 0.25)
    assert memory.times[np.argmax(memory.values)] == START + 77_777 / 2
    assert (np.diff(memory.times) > 0).all()
    assert abs(np.percentile(memory.values, 50) - np.percentile(values, 50)) < 1


@given(st.lists(st.binary(max_size=60), max_size=6))
def test_no_bytes_are_too_broken(lines: list[bytes]) -> None:
    objects, broken = parse_lines(b"\n".join(lines))
    assert len(objects) >= 0
    assert 0 <= broken <= sum(line.count(b"\n") + 1 for line in lines)


def test_nothing_is_there_yet(tmp_path: Path) -> None:
    assert read(tmp_path / "not-there") == {}


def test_values_have_two_decimals(tmp_path: Path) -> None:
    write_metrics(tmp_path, metric_lines("algo-1", node(memory=10.594, seconds=1)), "algo-1")
    assert math.isclose(read(tmp_path)["algo-1"].memory.values[0], 10.59)
    assert series(1.0, 3, 0.5).times[-1] == START + 2.5


class CountingFolder(Folder):
    """A folder that knows how much was read of it, and says that files are missing after so many reads."""

    reads = 0
    allowed = 1_000_000

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.announced: list[Part] = []
        self.parts: list[Part] = []

    def prefetch(self, parts: Sequence[Part]) -> None:
        self.announced += parts

    read_bytes = 0

    def read(self, name: str, start: int = 0, length: int | None = None) -> bytes:
        if self.reads == self.allowed:
            raise FileMissing(name)
        data = super().read(name, start, length)
        self.reads += 1
        self.parts.append((name, start, length))
        self.read_bytes += len(data)
        return data
