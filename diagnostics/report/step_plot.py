"""How long steps took, and how much of it was waiting for data."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure

from diagnostics.profile.profile import Profile
from diagnostics.report import words
from diagnostics.report.canvas import (
    ROW,
    WIDE,
    Panel,
    column,
    describe,
    font,
    label_x,
    logarithmic,
    mark,
    note,
    nothing,
    numbers,
    title,
    wants_log,
    whole_figure,
)
from diagnostics.report.palette import FAINT, GROUND, INK, LINES
from diagnostics.report.report import JobReport
from diagnostics.report.thinning import Values

PERCENTILES = (50, 95, 99)
BARS = 60
MODES = 4  # drawn at most


@dataclass(frozen=True)
class _Mode:
    """The steps of a mode on all nodes: seconds; `waited` is None where it is not known."""

    name: str
    durations: Values
    waited: float | None


def draw(report: JobReport, width: int = WIDE) -> Figure:
    """A histogram a mode, with p50, p95 and p99; below it the loader's share where it is known."""
    modes = [] if report.profile is None else _modes(report.profile)
    if not modes:
        return nothing(
            "No step times were saved: training/ writes them by itself where profiling is on; other scripts may write"
            " SageMaker's python timeline files.",
            width,
        )
    panels = [Panel(150, head=34 + ROW * len(PERCENTILES), foot=100 if m.waited is not None else 46) for m in modes]
    figure, axes = column(width, panels)
    said = [_panel(panel, mode, index, width) for index, (mode, panel) in enumerate(zip(modes, axes, strict=True))]
    return describe(figure, "; ".join(said) + ".")


def _modes(profile: Profile) -> Sequence[_Mode]:
    """The modes with steps, those with the most time first."""
    found = []
    for name in dict.fromkeys(steps.mode for steps in profile.steps):
        of = [steps for steps in profile.steps if steps.mode == name]
        durations = np.concatenate([steps.durations for steps in of])
        durations = durations[np.isfinite(durations)]
        if not len(durations):
            continue
        known = [steps for steps in of if len(steps.loader_wait)]
        waited = sum(float(np.nansum(steps.loader_wait)) for steps in known)
        worked = sum(float(np.nansum(steps.durations)) for steps in known)
        found.append(_Mode(name, durations, waited / (waited + worked) if waited + worked > 0 else None))
    return sorted(found, key=lambda mode: -float(mode.durations.sum()))[:MODES]


def _panel(axes: Axes, mode: _Mode, index: int, width: int) -> str:
    """Draw one mode; says in words what it shows."""
    values = mode.durations
    lowest, highest = float(values.min()), float(values.max())
    log = wants_log(values, 30)
    if log:
        edges = np.geomspace(lowest, highest * 1.0001, BARS + 1)
        axes.set_xscale("log")
    else:
        room = (highest - lowest) * 0.02 or highest * 0.1 or 1e-3
        edges = np.linspace(max(0.0, lowest - room), highest + room, (BARS if len(values) > BARS else 20) + 1)
    counts, _ = np.histogram(values, edges)
    bars = [
        [(low, 0), (low, count), (high, count), (high, 0)]
        for low, high, count in zip(edges[:-1], edges[1:], counts, strict=True)
        if count
    ]
    drawn = PolyCollection(bars, facecolors=LINES[index % len(LINES)], edgecolors=GROUND, linewidths=0.6)
    axes.add_collection(mark(drawn, f"steps-{index}"))
    axes.set_xlim(edges[0], edges[-1])
    if log:
        logarithmic(axes.xaxis, lowest, highest, 8 if width == WIDE else 4)
        axes.xaxis.set_major_formatter(lambda value, _: words.duration(value))
    else:
        numbers(axes.xaxis, 7 if width == WIDE else 4, words.duration)
    axes.set_ylim(0, counts.max() * 1.08)
    numbers(axes.yaxis, 4, whole=True)
    marks = [(p, float(np.percentile(values, p))) for p in PERCENTILES]
    for row, (percent, value) in enumerate(reversed(marks)):
        _percentile(axes, percent, value, row, index)
    title(axes, f"{words.shortened(mode.name, 20)}: {words.several(len(values), 'step')}", "", 14 + ROW * len(marks))
    label_x(axes, "duration of a step" + (", logarithmic" if log else ""))
    if mode.waited is not None:
        _share(axes, mode.waited, index)
    figures = ", ".join(f"p{percent} {words.duration(value)}" for percent, value in marks)
    share = "" if mode.waited is None else f", {_percent(mode.waited)} of the time waiting for data"
    return f"{mode.name}: {words.several(len(values), 'step')}, {figures}{share}"


def _percentile(axes: Axes, percent: int, value: float, row: int, index: int) -> None:
    """A line at the percentile, its label above the axes on the side where there is room."""
    mark(axes.axvline(value, color=INK, linewidth=1.2, linestyle=(0, (3, 2))), f"p{percent}-{index}")
    place = axes.transAxes.inverted().transform(axes.transData.transform((value, 0)))[0]
    left = place < 0.6
    text = f"p{percent} {words.duration(value)}"
    note(
        axes,
        f"▼ {text}" if left else f"{text} ▼",
        (value, 1),
        (-4 if left else 4, 4 + ROW * row),
        coords=axes.get_xaxis_transform(),
        align="left" if left else "right",
        style=font(INK),
    )


def _share(axes: Axes, waited: float, index: int) -> None:
    """A bar below the histogram: the loader's share of the time, and the step's."""
    figure = whole_figure(axes)
    height = figure.get_figheight() * figure.get_dpi()
    box = axes.get_position()
    strip = figure.add_axes((box.x0, box.y0 - 64 / height, box.width, 12 / height))
    strip.set_axis_off()
    strip.set_xlim(0, 1)
    mark(strip.barh([0], [waited], color=LINES[1])[0], f"waiting-{index}")
    mark(strip.barh([0], [1 - waited], left=[waited], color=FAINT)[0], f"computing-{index}")
    place: dict[str, Any] = {"coords": "axes fraction", "vertical": "top"}
    note(strip, f"waiting for data {_percent(waited)}", (0, 0), (0, -2), style=font(INK), **place)
    note(strip, f"steps themselves {_percent(1 - waited)}", (1, 0), (0, -2), align="right", **place)


def _percent(share: float) -> str:
    return f"{share * 100:.0f} %"
