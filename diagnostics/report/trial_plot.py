"""When each trial ran, in parallel lanes."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from diagnostics.report import words
from diagnostics.report.canvas import (
    ROW,
    SIZE,
    WIDE,
    Panel,
    column,
    describe,
    font,
    label_x,
    legend,
    legend_rows,
    mark,
    nothing,
    times,
)
from diagnostics.report.palette import GROUND, INK
from diagnostics.report.trial_marks import BEST, entries, look
from diagnostics.report.tuning_report import Trial, TuningReport

LANE = 26  # px
LANES = 30  # drawn at full height


def draw(report: TuningReport, width: int = WIDE) -> Figure:
    """A bar a trial, with its number where there is room; what runs still reaches the right edge."""
    started = sorted((t for t in report.trials if t.started_at is not None), key=lambda t: (t.started_at, t.number))
    if not started:
        return nothing("No trial has started yet.", width)
    begin = min(trial.started_at or 0.0 for trial in started)
    known = [trial.started_at or 0.0 for trial in started] + [t.ended_at for t in started if t.ended_at is not None]
    longest = max(max(known) - begin, 1.0)
    if any(trial.ended_at is None for trial in started):
        longest *= 1.06
    lanes = _lanes(started, begin + longest)
    count = 1 + max(lane for _, lane in lanes)
    named = entries(report.trials, with_best=report.best is not None)
    rows = legend_rows(named, width - 40)
    height = LANE * min(count, LANES)
    figure, (axes,) = column(width, [Panel(height, head=18 + ROW * rows, foot=44)], left=20, right=20)
    axes.grid(visible=False, axis="y")
    axes.set_yticks([])
    axes.set_ylim(count - 0.5, -0.5)
    axes.set_xlim(0, longest)
    for trial, lane in lanes:
        _bar(axes, report, trial, lane, (begin, longest, (width - 40) / longest))
    times(axes.xaxis, longest, 8 if width == WIDE else 4)
    legend(axes, named, width - 40, above=10)
    label_x(axes, "time since the first trial began")
    said = f"{words.several(len(started), 'trial')} in {words.several(count, 'parallel lane')} over"
    return describe(figure, f"{said} {words.duration(longest)}.")


def _lanes(started: Sequence[Trial], end: float) -> Sequence[tuple[Trial, int]]:
    """Each trial with the first lane that is free when it starts."""
    free: list[float] = []
    placed = []
    for trial in started:
        begins = trial.started_at or 0.0
        lane = next((index for index, until in enumerate(free) if until <= begins), len(free))
        free[lane : lane + 1] = [end if trial.ended_at is None else trial.ended_at]
        placed.append((trial, lane))
    return placed


def _bar(axes: Axes, report: TuningReport, trial: Trial, lane: int, place: tuple[float, float, float]) -> None:
    begin, longest, scale = place
    start = (trial.started_at or 0.0) - begin
    end = longest if trial.ended_at is None else trial.ended_at - begin
    seen = BEST if trial is report.best else look(trial)
    (bar,) = axes.barh(
        [lane],
        [max(end - start, 1 / scale)],
        left=[start],
        height=0.72,
        facecolor=seen.face,
        edgecolor=seen.color,
        linewidth=1.4,
        linestyle="--" if trial.ended_at is None else "-",
    )
    mark(bar, f"trial-{trial.number}")
    if (end - start) * scale > 9 * len(str(trial.number)) + 4:
        color = GROUND if seen.filled else INK
        text = {"ha": "center", "va": "center", **font(color, SIZE, "bold")}
        axes.text((start + end) / 2, lane, str(trial.number), **text)
