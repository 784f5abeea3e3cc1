"""SageMaker's system metric files, read as they grow.

They are system/incremental/<YYYYMMDDHH>/<epoch of the minute>.<node>.json, a JSON object a line; two hours of a job
with eight cores at 500 ms are 320,000 lines.
"""

import json
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from diagnostics.profile.ahead import ahead
from diagnostics.profile.profile import NodeProfile, Series, Values
from diagnostics.profile.samples import Samples, measured
from diagnostics.source import FileMissing, Source

_FILE = re.compile(r"system/incremental/\d{10}/(?P<minute>\d+)\.(?P<node>[\w-]+)\.json")
_GROWING_FILES = 3  # the newest files of a node may still grow, older ones have all that they will have

# Type and Dimension of a line: the member of NodeProfile, and the names that are understood.
_KINDS: Mapping[tuple[str, str], tuple[str, re.Pattern[str]]] = {
    ("cpu", "CPUUtilization"): ("cpu", re.compile(r"cpu\d{1,4}")),
    ("cpu", "I/OWaitPercentage"): ("io_wait", re.compile(r"cpu\d{1,4}")),
    ("gpu", "GPUUtilization"): ("gpu", re.compile(r"gpu\d{1,4}")),
    ("gpu", "GPUMemoryUtilization"): ("gpu_memory", re.compile(r"gpu\d{1,4}")),
    ("memory", ""): ("memory", re.compile("MemoryUsedPercent")),
    ("i/o", ""): ("io", re.compile("IOPS|(Read|Write)ThroughputInBytesPerSecond")),
    ("network", "Algorithm"): ("network", re.compile("(Receive|Transmit)BytesPerSecond")),
}

Key = tuple[str, str, str]  # node, member of NodeProfile, name
Line = tuple[str, str, str, str]  # NodeId, Type, Dimension, Name


class SystemMetrics:
    """What a source's files say so far. Each byte is read once, files may come in any order."""

    def __init__(self, source: Source) -> None:
        self.broken_lines = 0
        self._source = source
        self._read: dict[str, int] = {}  # bytes read of each file
        self._growing: set[str] = set()  # files that may have grown since they were read
        self._samples: dict[Key, Samples] = {}

    def read_new(self) -> None:
        """Take in what was written since the last time."""
        names = [name for name in self._source.names("system/incremental/") if _FILE.fullmatch(name)]
        growing = _newest(names)
        wanted = [name for name in names if name not in self._read or name in growing or name in self._growing]
        for name, start, _ in ahead(self._source, [(name, self._read.get(name, 0), None) for name in wanted]):
            try:
                self._read_file(name, start)
            except FileMissing:  # a source whose time is up says so too: the next time, then
                growing.add(name)
        self._growing = growing

    def nodes(self) -> dict[str, NodeProfile]:
        """The hosts that wrote anything, by name."""
        kinds: dict[str, dict[str, dict[str, Series]]] = {}
        for (node, kind, name), samples in sorted(self._samples.items(), key=lambda one: _natural(one[0])):
            kinds.setdefault(node, {}).setdefault(kind, {})[name] = samples.series()
        return {node: _node_profile(metrics) for node, metrics in kinds.items()}

    def _read_file(self, name: str, start: int) -> None:
        data = self._source.read(name, start)
        whole, rest = _whole_lines(data)
        self._read[name] = start + len(data) - len(rest)
        objects, broken = parse_lines(whole)
        self.broken_lines += broken + self._take(objects)

    def _take(self, objects: Iterable[Any]) -> int:
        """Keep the samples; how many were unusable."""
        columns: dict[Line, tuple[list[Any], list[Any]]] = {}
        unusable = 0
        for line in objects:
            try:
                key = line["NodeId"], line["Type"], line["Dimension"], line["Name"]
                time, value = line["Timestamp"], line["Value"]
                times, values = columns.get(key) or columns.setdefault(key, ([], []))
            except (KeyError, TypeError):
                unusable += 1
                continue
            times.append(time)
            values.append(value)
        return unusable + sum(self._keep(key, *column) for key, column in columns.items())

    def _keep(self, line: Line, times: list[Any], values: list[Any]) -> int:
        """Keep the samples of one metric where it is one that is understood; how many were unusable."""
        key = _place(line)
        if key is None:
            return 0
        series = Series(_numbers(times), _numbers(values))
        usable = measured(series.times) & measured(series.values)
        self._samples.setdefault(key, Samples()).extend(Series(series.times[usable], series.values[usable]))
        return len(usable) - int(np.count_nonzero(usable))


def parse_lines(data: bytes) -> tuple[list[Any], int]:
    """What is in the lines, and how many were no JSON. One call of the parser for all of them, while none is broken."""
    lines = [line for line in data.split(b"\n") if line and not line.isspace()]
    try:
        return json.loads(b"[" + b",".join(lines) + b"]"), 0
    except ValueError:
        pass
    objects, broken = [], 0
    for line in lines:
        try:
            objects.append(json.loads(line))
        except ValueError:
            broken += 1
    return objects, broken


def _place(line: Line) -> Key | None:
    """Where a metric is kept; None: it is not one of SageMaker's."""
    node, type_, dimension, name = line
    kind, names = _KINDS.get((type_, dimension), ("", None))
    if names is None or not (isinstance(node, str) and isinstance(name, str) and names.fullmatch(name)):
        return None
    return node, kind, name


def _numbers(column: list[Any]) -> Values:
    """As floats; NaN for what is no number."""
    try:
        numbers = np.array(column, dtype=np.float64)
        if numbers.ndim == 1:
            return numbers
    except (OverflowError, TypeError, ValueError):
        pass
    return np.array(
        [one if isinstance(one, int | float) and abs(one) < 1e300 else math.nan for one in column], np.float64
    )


def _whole_lines(data: bytes) -> tuple[bytes, bytes]:
    """The lines that are written to their end, and the beginning of one that is not."""
    end = data.rfind(b"\n") + 1
    rest = data[end:]
    return (data, b"") if rest.rstrip().endswith(b"}") else (data[:end], rest)


def _newest(names: Iterable[str]) -> set[str]:
    """The files that may still grow: the last few of each node."""
    by_node: dict[str, list[tuple[int, str]]] = {}
    for name in names:
        if found := _FILE.fullmatch(name):
            by_node.setdefault(found["node"], []).append((int(found["minute"]), name))
    return {name for files in by_node.values() for _, name in sorted(files)[-_GROWING_FILES:]}


def _natural(key: Key) -> tuple[str, str, int, str]:
    """cpu2 before cpu10."""
    node, kind, name = key
    return node, kind, len(name), name


def _node_profile(metrics: Mapping[str, Mapping[str, Series]]) -> NodeProfile:
    nothing = Series(np.empty(0), np.empty(0))
    return NodeProfile(
        cpu=metrics.get("cpu", {}),
        io_wait=metrics.get("io_wait", {}),
        gpu=metrics.get("gpu", {}),
        gpu_memory=metrics.get("gpu_memory", {}),
        memory=metrics.get("memory", {}).get("MemoryUsedPercent", nothing),
        io=metrics.get("io", {}),
        network=metrics.get("network", {}),
    )
