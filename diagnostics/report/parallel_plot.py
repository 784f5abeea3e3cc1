"""Parallel coordinates: a line a trial through its hyperparameters to its objective."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from diagnostics.report import words
from diagnostics.report.canvas import (
    ROW,
    SIZE,
    WIDE,
    Entry,
    Panel,
    column,
    describe,
    font,
    legend,
    legend_rows,
    mark,
    note,
    nothing,
    wants_log,
)
from diagnostics.report.dimension import Dimension, dimensions
from diagnostics.report.palette import COLOURS, FAINT, INK, MUTED, RANKS
from diagnostics.report.tuning_report import Trial, TuningReport

AXES = 10  # hyperparameters drawn at most
GAP = 74  # px between two axes that lie
BEST = COLOURS["orange"].light


def draw(report: TuningReport, width: int = WIDE) -> Figure:
    """Axes stand beside each other; on a phone they lie below each other."""
    judged = report.judged
    found = dimensions(report)[:AXES]
    if not judged:
        return nothing("No trial has an objective yet: it comes when its training job ends.", width)
    if not found:
        return nothing("No hyperparameter differs between the trials.", width)
    objectives = [trial.objective or 0.0 for trial in judged]
    scale = "log" if wants_log(objectives) else "linear"
    shown = [*found, Dimension(report.objective_name, scale, min(objectives), max(objectives))]  # type: ignore[arg-type]
    standing = width == WIDE
    named = _legend()
    rows = legend_rows(named, width - 40)
    height = 260 if standing else GAP * (len(shown) - 1) + 8
    panel = Panel(height, head=(36 if standing else 44) + ROW * rows, foot=34)
    side = 70 if standing else 20
    figure, (axes,) = column(width, [panel], left=side, right=side)
    _bare(axes, len(shown), standing)
    for index, dimension in enumerate(shown):
        _axis(axes, dimension, index, standing)
    for rank, trial in _from_worst(report):
        _line(axes, report, trial, shown, (rank, standing))
    legend(axes, named, width - 40, above=(30 if standing else 38))
    left_out = len(dimensions(report)) - len(found)
    more = f"; {words.several(left_out, 'hyperparameter')} more are not shown" if left_out else ""
    names = words.listed([words.shortened(one.name, 40) for one in shown], AXES + 1)
    return describe(figure, f"{words.several(len(judged), 'trial')} as lines over {names}{more}.")


def _legend() -> Sequence[Entry]:
    return (Entry("best", BEST), Entry("good", RANKS[-1]), Entry("middling", RANKS[2]), Entry("poor", RANKS[0]))


def _bare(axes: Axes, count: int, standing: bool) -> None:
    axes.grid(visible=False)
    axes.spines["bottom"].set_visible(False)
    axes.set_xticks([])
    axes.set_yticks([])
    if standing:
        axes.set_xlim(0, count - 1)
        axes.set_ylim(0, 1)
    else:
        axes.set_xlim(0, 1)
        axes.set_ylim(count - 1, 0)


def _axis(axes: Axes, dimension: Dimension, index: int, standing: bool) -> None:
    ends = [0, 1]
    across = [index, index]
    axes.plot(*((across, ends) if standing else (ends, across)), color=FAINT, linewidth=1.2, clip_on=False, zorder=1)
    name = words.shortened(dimension.name, 18 if standing else 40)
    # Lines run through the labels: each has a ground of its own.
    bold = font(INK, SIZE, "bold")
    if standing:
        note(axes, name, (index, 1), (0, 12), align="center", style=bold, boxed=True)
    else:
        note(axes, name, (0, index), (0, 8), style=bold, boxed=True)
    for at, label in dimension.ticks(6 if standing else 4):
        text = words.shortened(label, 9)
        if standing:
            note(axes, text, (index, at), (-6, 0), align="right", vertical="center", boxed=True)
        else:
            note(axes, text, (at, index), (0, -5), align="center", vertical="top", boxed=True)
        spot = (index, at) if standing else (at, index)
        axes.plot([spot[0]], [spot[1]], ".", color=MUTED, markersize=4, clip_on=False, zorder=4)


def _from_worst(report: TuningReport) -> Sequence[tuple[int, Trial]]:
    """Trials with their rank as an index of RANKS, the worst first: the best is drawn on top."""
    sign = -1 if report.objective_type == "Minimize" else 1
    ordered = sorted(report.judged, key=lambda trial: (trial is report.best, sign * (trial.objective or 0.0)))
    last = max(1, len(ordered) - 1)
    return [(round(place / last * (len(RANKS) - 1)), trial) for place, trial in enumerate(ordered)]


def _line(axes: Axes, report: TuningReport, trial: Trial, shown: Sequence[Dimension], style: tuple[int, bool]) -> None:
    """One trial; an axis on which it has no value is left out with a gap."""
    rank, standing = style
    best = trial is report.best
    places = [one.place(trial.hyperparameters.get(one.name)) for one in shown[:-1]]
    places.append(shown[-1].at(trial.objective or 0.0))
    values = np.array([np.nan if place is None else place for place in places])
    across = np.arange(len(values))
    (line,) = axes.plot(
        *((across, values) if standing else (values, across)),
        color=BEST if best else RANKS[rank],
        linewidth=3.0 if best else 1.0 + 0.25 * rank,
        linestyle="--" if trial.early_stopped else "-",
        clip_on=False,
        zorder=3 if best else 2,
    )
    mark(line, f"trial-{trial.number}")
