"""Use of the machines over time: a panel a metric, a line a node."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from diagnostics.profile.downsample import downsample, finite
from diagnostics.profile.profile import NodeProfile, Profile, Series
from diagnostics.profile.use import first_time, mean_of, percent_of_vcpus
from diagnostics.report import words
from diagnostics.report.canvas import (
    ROW,
    WIDE,
    Entry,
    Panel,
    column,
    describe,
    label_x,
    labelled,
    legend,
    legend_rows,
    mark,
    nothing,
    numbers,
    times,
    title,
)
from diagnostics.report.palette import DASHES, FAINT, INK, LINES
from diagnostics.report.report import JobReport
from diagnostics.report.thinning import Values, binned_means

POINTS = 700  # of a line
MANY_POINTS = 80  # of a line among many
NAMED = 6  # nodes that get a line of their own colour
_NO_STROKES = str.maketrans("", "", "━╌")
BINS = 300  # over which nodes are compared when there are more


@dataclass(frozen=True)
class Metric:
    """A panel: its lines of one node by name ("" when there is but one), in percent or bytes a second."""

    name: str
    of: Callable[[Profile, NodeProfile], Mapping[str, Series]]
    percent: bool = True


@dataclass(frozen=True)
class Line:
    """One line of a panel: the `part`th of the `node`th node, with at least one finite sample."""

    node: int
    part: int
    name: str
    series: Series


def draw(report: JobReport, width: int = WIDE) -> Figure:
    """CPU, memory, GPU, GPU memory, disk and network, those of which there are samples."""
    profile = report.profile
    nodes = [] if profile is None else sorted(profile.nodes, key=words.natural)
    sampled = {} if profile is None else _sampled(profile, nodes)
    if profile is None or not sampled:
        return nothing("No system metrics were saved: give the job a ProfilerConfig with an S3OutputPath.", width)
    begin = first_time(profile) or 0.0
    entries = _legend(nodes, width)
    rows = legend_rows(entries, width - 66)
    heights = 96 if width == WIDE else 84
    panels = [Panel(heights, head=30 + (rows * ROW + 10 if not index else 0)) for index in range(len(sampled))]
    panels[-1] = Panel(panels[-1].height, panels[-1].head, foot=44)
    figure, axes = column(width, panels, left=60)
    longest = max(float(line.series.times[-1]) for lines in sampled.values() for line in lines) - begin
    said = []
    for (metric, lines), panel in zip(sampled.items(), axes, strict=True):
        said.append(_panel(panel, metric, lines, (len(nodes), begin)))
        panel.set_xlim(0, max(longest, 1.0))
        times(panel.xaxis, max(longest, 1.0), 7 if width == WIDE else 4)
        if panel is not axes[-1]:
            panel.tick_params(labelbottom=False)
    legend(axes[0], entries, width - 66, above=32)
    label_x(axes[-1], "time since the first sample")
    return describe(figure, "Over " + words.duration(longest) + ": " + "; ".join(said) + ".")


def _one(several: Mapping[str, Series]) -> Mapping[str, Series]:
    return {"": mean_of(several)}


def _rates(several: Mapping[str, Series], names: Mapping[str, str]) -> Mapping[str, Series]:
    return {short: several[name] for name, short in names.items() if name in several}


METRICS: Sequence[Metric] = (
    Metric("CPU", lambda profile, node: {"": percent_of_vcpus(profile, node)}),
    Metric("Memory", lambda _, node: {"": node.memory}),
    Metric("GPU", lambda _, node: _one(node.gpu)),
    Metric("GPU memory", lambda _, node: _one(node.gpu_memory)),
    Metric("Waiting for I/O", lambda _, node: _one(node.io_wait)),
    Metric(
        "Disk",
        lambda _, node: _rates(
            node.io, {"ReadThroughputInBytesPerSecond": "read", "WriteThroughputInBytesPerSecond": "write"}
        ),
        percent=False,
    ),
    Metric(
        "Network",
        lambda _, node: _rates(node.network, {"ReceiveBytesPerSecond": "in", "TransmitBytesPerSecond": "out"}),
        percent=False,
    ),
)


def _sampled(profile: Profile, nodes: Sequence[str]) -> Mapping[Metric, Sequence[Line]]:
    """The lines of every metric that has any."""
    found = {
        metric: [
            Line(index, part, name, kept)
            for index, node in enumerate(nodes)
            for part, (name, series) in enumerate(metric.of(profile, profile.nodes[node]).items())
            if len((kept := finite(series)).values)
        ]
        for metric in METRICS
    }
    return {metric: lines for metric, lines in found.items() if lines}


def _legend(nodes: Sequence[str], width: int) -> Sequence[Entry]:
    if len(nodes) == 1:
        return ()
    if len(nodes) > NAMED:
        return (Entry("median of all nodes", INK), Entry(f"each of {len(nodes)} nodes", FAINT))
    return [Entry(words.shortened(name, width // 16), LINES[i], DASHES[i]) for i, name in enumerate(nodes)]


def _panel(axes: Axes, metric: Metric, lines: Sequence[Line], place: tuple[int, float]) -> str:
    """Draw one metric; says in words what it shows."""
    nodes, begin = place
    many = nodes > NAMED
    points = MANY_POINTS if many else POINTS
    for line in lines:
        few = downsample(line.series, points)
        alone = nodes == 1
        (drawn,) = axes.plot(
            few.times - begin,
            few.values,
            color=FAINT if many else LINES[(line.part if alone else line.node) % len(LINES)],
            linestyle=DASHES[(line.part if alone or not metric.percent else line.node) % len(DASHES)],
            linewidth=1.0 if many else 1.6,
            marker="o" if len(few.times) <= 2 else None,
            markersize=4,
        )
        mark(drawn, f"{_slug(metric.name)}-{line.node}-{line.part}")
    if many:
        _medians(axes, metric, lines, begin)
    parts = dict.fromkeys(line.name for line in lines)
    tops = {name: max(float(line.series.values.max()) for line in lines if line.name == name) for name in parts}
    means = {name: np.mean([line.series.values.mean() for line in lines if line.name == name]) for name in parts}
    _scale(axes, metric, max(tops.values()))
    written = _percent if metric.percent else words.rate
    strokes = dict(zip(parts, ("━", "╌"), strict=False))
    named = {name: f"{strokes[name]} {name} " if name else "" for name in parts}
    note = "   ".join(f"{named[n]}mean {written(float(means[n]))}, max {written(tops[n])}" for n in parts)
    narrow = len(parts) > 1 and axes.get_window_extent().width < WIDE / 2
    title(axes, metric.name, "  ".join(named.values()) if narrow else note)
    return f"{metric.name} {note.translate(_NO_STROKES)}"


def _medians(axes: Axes, metric: Metric, lines: Sequence[Line], begin: float) -> None:
    """A line through the middle of all nodes."""
    first = min(float(line.series.times[0]) for line in lines)
    last = max(float(line.series.times[-1]) for line in lines)
    edges: Values = np.linspace(
        first, last + 1e-3, min(BINS, max(len(line.series.times) for line in lines)) + 1, dtype=np.float64
    )
    for part in sorted({line.part for line in lines}):
        of_part = [line.series for line in lines if line.part == part]
        table = np.array([binned_means(series.times, series.values, edges) for series in of_part])
        known = np.isfinite(table).any(axis=0)
        middles = (edges[1:] + edges[:-1])[known] / 2 - begin
        medians = np.nanmedian(table[:, known], axis=0)
        (drawn,) = axes.plot(middles, medians, color=INK, linewidth=1.8, linestyle=DASHES[part])
        mark(drawn, f"{_slug(metric.name)}-median-{part}")


def _scale(axes: Axes, metric: Metric, highest: float) -> None:
    if metric.percent:
        axes.set_ylim(0, max(104.0, highest * 1.04))
        labelled(axes.yaxis, [0, 50, 100], ["0 %", "50 %", "100 %"])
        return
    axes.set_ylim(0, highest * 1.08 or 1)
    numbers(axes.yaxis, 2, words.rate)


def _percent(value: float) -> str:
    return f"{value:.3g} %" if value < 99.95 else f"{value:.0f} %"


def _slug(name: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in name.lower())
