"""The loss over the steps, a line a mode, and where rules fired."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from diagnostics.report import words
from diagnostics.report.canvas import (
    ROW,
    WIDE,
    Entry,
    Panel,
    column,
    describe,
    font,
    label_x,
    legend,
    logarithmic,
    mark,
    note,
    nothing,
    numbers,
    title,
    wants_log,
)
from diagnostics.report.palette import ALERT, DASHES, INK, LINES
from diagnostics.report.report import JobReport
from diagnostics.report.thinning import Values, thinned
from diagnostics.tensors.curve import Curve

POINTS = 900  # of a line
PANELS = 6  # tensors drawn at most
FIRED = 5  # steps at which rules fired, labelled at most
LETTER = 6.6  # px, the mean width of a letter
FEW = 40  # points up to which each is drawn by itself
MODES = ("TRAIN", "EVAL", "PREDICT", "GLOBAL")


def draw(report: JobReport, width: int = WIDE) -> Figure:
    """One panel a tensor."""
    tensors = _by_tensor(report.curves)
    if not tensors:
        return nothing("No loss was saved: add the collection losses to the job's DebugHookConfig.", width)
    fired = _fired(report)
    shown = dict(list(tensors.items())[:PANELS])
    plotted = 250 if width == WIDE else 200
    figure, axes = column(width, [Panel(plotted, head=_head(len(fired)) + ROW, foot=44) for _ in shown])
    said = []
    for index, ((tensor, curves), panel) in enumerate(zip(shown.items(), axes, strict=True)):
        more = f"{len(tensors) - PANELS} more are not shown" if index == 0 and len(tensors) > PANELS else ""
        said.append(_panel(panel, words.shortened(tensor, width // 10), curves, fired, (width, index, more)))
    at = [f"{names} fired at step {step}" for step, names in fired]
    return describe(figure, "; ".join([*said, *at]) + ".")


def _by_tensor(curves: Sequence[Curve]) -> Mapping[str, Sequence[Curve]]:
    tensors: dict[str, list[Curve]] = {}
    for curve in curves:
        if len(curve.steps):
            tensors.setdefault(curve.tensor, []).append(curve)
    order = {mode: place for place, mode in enumerate(MODES)}
    return {
        tensor: sorted(of, key=lambda curve: (order.get(curve.mode, len(order)), curve.mode))
        for tensor, of in tensors.items()
    }


def _head(fired: int) -> float:
    """Above the axes: labels of rules, the legend, the title; px up to the title."""
    return 20 + ROW * fired + ROW


def _fired(report: JobReport) -> list[tuple[int, str]]:
    """Steps at which rules fired, with their names; the last of too many stands for the rest."""
    steps: dict[int, list[str]] = {}
    for rule in report.debugger:
        if rule.finding is not None:
            steps.setdefault(rule.finding.step, []).append(words.shortened(rule.name, 28))
    named = [(step, ", ".join(names)) for step, names in sorted(steps.items())]
    if len(named) <= FIRED:
        return named
    rest = len(named) - FIRED
    return [*named[: FIRED - 1], (named[FIRED - 1][0], f"{named[FIRED - 1][1]} and {rest} later")]


def _panel(
    axes: Axes,
    tensor: str,
    curves: Sequence[Curve],
    fired: Sequence[tuple[int, str]],
    place: tuple[int, int, str],
) -> str:
    """Draw one tensor; says in words what it shows."""
    width, index, more = place
    values = np.concatenate([np.asarray(curve.values, dtype=float) for curve in curves])
    log = wants_log(values)
    if log:
        axes.set_yscale("log")
    said, entries = [], []
    for number, curve in enumerate(curves):
        color, dash = LINES[number % len(LINES)], DASHES[number % len(DASHES)]
        _line(axes, curve, color, dash, f"{index}-{number}")
        entries.append(Entry(words.shortened(curve.mode, 16), color, dash))
        said.append(_said(curve))
    _scale(axes, values, log)
    title(axes, tensor, more or ("logarithmic" if log else ""), above=_head(len(fired)) - 6)
    legend(axes, entries, width - 66, above=8 + ROW * len(fired))
    _rules(axes, fired, index)
    numbers(axes.xaxis, 8 if width == WIDE else 4, whole=True)
    label_x(axes, "step")
    return f"{tensor}: {', '.join(said)}"


def _line(axes: Axes, curve: Curve, color: str, dash: Any, name: str) -> None:
    steps, values = np.asarray(curve.steps, dtype=float), np.asarray(curve.values, dtype=float)
    finite = np.where(np.isfinite(values), values, np.nan)
    x, y = thinned(steps, finite, POINTS)
    single = len(x) <= FEW or int(np.isfinite(y).sum()) <= FEW
    (line,) = axes.plot(
        x,
        y,
        color=color,
        linestyle=dash,
        linewidth=1.8,
        marker="o" if single else None,
        markersize=3.5,
    )
    mark(line, f"loss-{name}")
    broken = thinned(steps[np.isnan(finite)], steps[np.isnan(finite)], 60)[0]
    if len(broken):
        crosses = axes.plot(
            broken, np.full(len(broken), 0.03), "x", color=ALERT, transform=axes.get_xaxis_transform(), markersize=6
        )
        mark(crosses[0], f"not-finite-{name}")


def _scale(axes: Axes, values: Values, log: bool) -> None:
    finite = values[np.isfinite(values)]
    if not len(finite):
        axes.set_ylim(0, 1)
        axes.set_yticks([])
        return
    lowest, highest = float(finite.min()), float(finite.max())
    if log:
        axes.set_ylim(lowest / 1.25, highest * 1.25)
        logarithmic(axes.yaxis, lowest, highest)
        return
    room = (highest - lowest) * 0.06 or abs(highest) * 0.1 or 1
    axes.set_ylim(lowest - room if lowest < 0 or lowest > highest / 2 else min(0.0, lowest), highest + room)
    numbers(axes.yaxis, 6)


def _rules(axes: Axes, fired: Sequence[tuple[int, str]], index: int) -> None:
    """A line down at each step, its label above the axes, one row each, on the side where there is room."""
    first, last = axes.get_xlim()
    if first == last:
        axes.set_xlim(first - 1, last + 1)
        first, last = first - 1, last + 1
    if fired:
        last = max(last, *(float(step) for step, _ in fired))
        first = min(first, *(float(step) for step, _ in fired))
        axes.set_xlim(first - (last - first) * 0.01, last + (last - first) * 0.01)
    across = axes.get_window_extent().width
    for row, (step, names) in enumerate(reversed(fired)):
        mark(axes.axvline(step, color=ALERT, linewidth=1.2, linestyle=(0, (3, 2))), f"fired-{index}-{row}")
        text, at = f"{names}, step {step}", (step - first) / (last - first) * across
        needed, above = len(text) * LETTER + 16, 4 + ROW * row
        above_line: dict[str, Any] = {"coords": axes.get_xaxis_transform(), "style": font(INK)}
        if needed <= across - at:
            note(axes, f"▼ {text}", (step, 1), (-4, above), **above_line)
        elif needed <= at:
            note(axes, f"{text} ▼", (step, 1), (4, above), align="right", **above_line)
        else:
            note(axes, text, (1, 1), (0, above), coords="axes fraction", align="right", style=font(INK))


def _said(curve: Curve) -> str:
    values = np.asarray(curve.values, dtype=float)
    finite = np.flatnonzero(np.isfinite(values))
    if not len(finite):
        return f"{curve.mode} is never a finite number"
    first, last = finite[0], finite[-1]
    best = finite[values[finite].argmin()]
    text = f"{curve.mode} from {words.number(values[first])} to {words.number(values[last])}"
    if values[best] < min(values[first], values[last]):
        text += f", lowest {words.number(values[best])} at step {int(curve.steps[best])}"
    missing = len(values) - len(finite)
    return text + (f", not finite at {words.several(missing, 'step')}" if missing else "")
