"""Figures laid out in pixels, without pyplot and without matplotlib's settings of the moment.

Everything that carries data gets a gid that begins with "mark-", so that what is drawn can be counted.
"""

import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import (
    FixedFormatter,
    FixedLocator,
    FuncFormatter,
    LogLocator,
    MaxNLocator,
    NullFormatter,
    NullLocator,
)

from diagnostics.report import words
from diagnostics.report.palette import FAINT, GRID, GROUND, INK, MUTED

WIDE, NARROW = 880, 344  # px: a page's column, a phone's
FONT = "DejaVu Sans"  # comes with matplotlib: the same everywhere
SIZE = 11  # px
ROW = 17  # px, a line of text
DPI = 72  # one point is one pixel
Align = Literal["left", "center", "right"]
Vertical = Literal["bottom", "center", "top"]
Drawn = TypeVar("Drawn", bound=Artist)


@dataclass(frozen=True)
class Panel:
    """One axes of a column of them: its height, and what is kept free above and below it, in px."""

    height: float
    head: float = 26
    foot: float = 10


def column(width: int, panels: Sequence[Panel], left: float = 52, right: float = 14) -> tuple[Figure, list[Axes]]:
    """A figure of one axes a panel, from the top down."""
    total = sum(panel.head + panel.height + panel.foot for panel in panels)
    figure = Figure(figsize=(width / DPI, total / DPI), dpi=DPI, facecolor=GROUND)
    axes: list[Axes] = []
    below = total
    for panel in panels:
        below -= panel.head + panel.height
        box = (left / width, below / total, (width - left - right) / width, panel.height / total)
        axes.append(_bare(figure.add_axes(box)))
        below -= panel.foot
    return figure, axes


def tiles(width: int, count: int, columns: int, top: Panel, others: Panel) -> tuple[Figure, list[Axes]]:
    """A figure of `count` axes, so many beside each other, row after row; `top` is what those of the first row are."""
    rows = [top, *[others] * (-(-count // columns) - 1)]
    total, across = sum(one.head + one.height + one.foot for one in rows), width / columns
    left, right = 52, 14
    figure = Figure(figsize=(width / DPI, total / DPI), dpi=DPI, facecolor=GROUND)
    axes: list[Axes] = []
    below = total
    for row in rows:
        below -= row.head + row.height
        for place in range(min(columns, count - len(axes))):
            box = ((across * place + left) / width, below / total, (across - left - right) / width, row.height / total)
            axes.append(_bare(figure.add_axes(box)))
        below -= row.foot
    return figure, axes


def nothing(sentence: str, width: int) -> Figure:
    """A figure that says why there is nothing to see."""
    lines = textwrap.wrap(sentence, max(20, width // 8))
    height = 48 + ROW * len(lines)
    figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI, facecolor=GROUND)
    shown = figure.text(0.5, 0.5, "\n".join(lines), ha="center", va="center", **font(color=MUTED, size=13))
    shown.set_gid("empty")
    return describe(figure, sentence)


def describe(figure: Figure, sentence: str) -> Figure:
    """Give the figure what it shows in words, for those who do not see it; `description` reads it."""
    figure.set_label(sentence)
    return figure


def description(figure: Figure) -> str:
    """What the figure shows, in words."""
    return str(figure.get_label())


def is_empty(figure: Figure) -> bool:
    """Whether the figure only says why there is nothing to see."""
    return not figure.axes


def mark(artist: Drawn, name: str) -> Drawn:
    """Say of an artist that it carries data; `name` is unique in its figure and of our own making."""
    artist.set_gid(f"mark-{name}")
    return artist


def font(color: str = MUTED, size: float = SIZE, weight: str = "normal") -> dict[str, Any]:
    """Arguments of a text. `$` in somebody's names is no formula."""
    return {"color": color, "fontsize": size, "fontfamily": FONT, "fontweight": weight, "parse_math": False}


def note(
    axes: Axes,
    text: str,
    at: tuple[float, float],
    shift: tuple[float, float],
    *,
    coords: Any = "data",
    align: Align = "left",
    vertical: Vertical = "bottom",
    style: dict[str, Any] | None = None,
    boxed: bool = False,
) -> None:
    """A text so many px from a point; `coords` are those of the point, `boxed` gives it a ground of its own."""
    axes.annotate(
        text,
        at,
        shift,
        xycoords=coords,
        textcoords="offset points",
        ha=align,
        va=vertical,
        annotation_clip=False,
        zorder=4,
        bbox={"facecolor": GROUND, "edgecolor": "none", "pad": 1.5} if boxed else None,
        **(style or font()),
    )


def title(axes: Axes, text: str, remark: str = "", above: float = 7) -> None:
    """What a panel shows, so many px above its left edge, and a remark at its right."""
    note(axes, text, (0, 1), (0, above), coords="axes fraction", style=font(INK, SIZE + 1, "bold"))
    if remark:
        note(axes, remark, (1, 1), (0, above), coords="axes fraction", align="right")


def label_x(axes: Axes, text: str) -> None:
    """Name the x axis, below its right end."""
    note(axes, text, (1, 0), (0, -22), coords="axes fraction", align="right", vertical="top")


def whole_figure(axes: Axes) -> Figure:
    """The figure that the axes stand in."""
    figure = axes.get_figure(root=True)
    if figure is None:
        raise ValueError("these axes stand in no figure")
    return figure


@dataclass(frozen=True)
class Entry:
    """A line of a legend."""

    label: str
    color: str
    dash: Any = "-"
    marker: str = ""
    hollow: bool = False


def legend_rows(entries: Sequence[Entry], width: float) -> int:
    """How many rows of text a legend takes in so many px."""
    return -(-len(entries) // _columns(entries, width)) if entries else 0


def legend(axes: Axes, entries: Sequence[Entry], width: float, above: float = 4) -> None:
    """A legend above the axes' left edge. Its texts are set afterwards: matplotlib leaves out names like "_x"."""
    if not entries:
        return
    handles = [
        Line2D(
            [],
            [],
            color=entry.color,
            linestyle="" if entry.marker else entry.dash,
            marker=entry.marker or None,
            markerfacecolor=GROUND if entry.hollow else entry.color,
            linewidth=2.2,
        )
        for entry in entries
    ]
    drawn = axes.legend(
        handles,
        [str(index) for index in range(len(entries))],
        loc="lower left",
        bbox_to_anchor=(0, 1 + above / _height(axes)),
        ncols=_columns(entries, width),
        frameon=False,
        borderpad=0,
        borderaxespad=0,
        handlelength=2.0,
        columnspacing=1.2,
        labelspacing=0.3,
        prop={"family": FONT, "size": SIZE},
        labelcolor=INK,
    )
    for text, entry in zip(drawn.get_texts(), entries, strict=True):
        text.set_parse_math(False)
        text.set_text(entry.label)


def numbers(axis: Axis, most: int = 6, written: Callable[[float], str] = words.number, whole: bool = False) -> None:
    """Ticks of a linear axis, at most so many, with their labels written our way."""
    axis.set_major_locator(MaxNLocator(nbins=most, integer=whole, steps=[1, 2, 2.5, 5, 10]))
    axis.set_major_formatter(FuncFormatter(lambda value, _: written(value)))


def labelled(axis: Axis, places: Sequence[float], labels: Sequence[str]) -> None:
    """Ticks at these places with these labels."""
    axis.set_major_locator(FixedLocator(list(places)))
    axis.set_major_formatter(FixedFormatter(list(labels)))


def times(axis: Axis, longest: float, most: int = 7) -> None:
    """Ticks of an axis of seconds, at round times."""
    rounds = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400)
    step = next((seconds for seconds in rounds if longest / seconds <= most), None)
    if step is None:
        step = 86400 * max(1, round(longest / 86400 / most))
    axis.set_major_locator(FixedLocator(list(np.arange(0, longest + step * 0.01, step))))
    axis.set_major_formatter(FuncFormatter(lambda value, _: words.clock(value)))


def logarithmic(axis: Axis, lowest: float, highest: float, most: int = 6) -> None:
    """Ticks of a logarithmic axis that already has its scale and limits."""
    subs = (1.0,) if highest / lowest > 300 else (1.0, 3.0) if highest / lowest > 8 else (1.0, 1.5, 2.0, 3.0, 5.0, 7.0)
    axis.set_major_locator(LogLocator(base=10, subs=subs, numticks=most))
    axis.set_minor_locator(NullLocator())
    axis.set_minor_formatter(NullFormatter())
    axis.set_major_formatter(FuncFormatter(lambda value, _: words.number(value)))


def wants_log(values: Sequence[float] | np.ndarray[Any, Any], ratio: float = 50) -> bool:
    """Whether positive values span so much that a linear axis would show the largest alone."""
    finite = np.asarray(values, dtype=float)
    finite = finite[np.isfinite(finite)]
    return bool(len(finite)) and bool(finite.min() > 0) and bool(finite.max() / finite.min() > ratio)


def _bare(axes: Axes) -> Axes:
    axes.set_facecolor("none")
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(FAINT)
    axes.grid(visible=True, axis="y", color=GRID, linewidth=1)
    axes.set_axisbelow(True)
    axes.tick_params(length=0, labelsize=SIZE, labelcolor=MUTED, labelfontfamily=FONT, pad=5)
    axes.margins(x=0)
    return axes


def _columns(entries: Sequence[Entry], width: float) -> int:
    widest = max(len(entry.label) for entry in entries) * 6.3 + 46
    return max(1, min(len(entries), int(width // widest)))


def _height(axes: Axes) -> float:
    return float(axes.get_position().height * whole_figure(axes).get_figheight() * DPI)
