"""How a trial looks in all plots of a tuning job."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.transforms import Transform

from diagnostics.report.canvas import Entry, mark
from diagnostics.report.palette import ALERT, COLOURS, GROUND, LINES, MUTED
from diagnostics.report.tuning_report import LIVE, Trial, TuningReport


@dataclass(frozen=True)
class Look:
    """What it is called, its colour, and its marker: filled or hollow."""

    label: str
    color: str
    marker: str
    filled: bool = True

    @property
    def face(self) -> str:
        return self.color if self.filled else GROUND

    @property
    def entry(self) -> Entry:
        return Entry(self.label, self.color, marker=self.marker, hollow=not self.filled)


BEST = Look("best", COLOURS["orange"].light, "*")
COMPLETED = Look("completed", LINES[0], "o")
EARLY = Look("stopped early", COLOURS["purple"].light, "s", filled=False)
FAILED = Look("failed", ALERT, "X")
STOPPED = Look("stopped", MUTED, "D", filled=False)
RUNS = Look("in progress", MUTED, "o", filled=False)


def look(trial: Trial) -> Look:
    """By its status."""
    if trial.early_stopped:
        return EARLY
    if trial.status in LIVE:
        return RUNS
    return {"Completed": COMPLETED, "Failed": FAILED}.get(trial.status, STOPPED)


def entries(trials: Sequence[Trial], with_best: bool = True) -> Sequence[Entry]:
    """A legend of the looks that occur."""
    occurring = {look(trial) for trial in trials}
    order = [one for one in (COMPLETED, EARLY, FAILED, STOPPED, RUNS) if one in occurring]
    return [one.entry for one in ([BEST] if with_best else []) + order]


def draw_trials(
    axes: Axes,
    report: TuningReport,
    points: Sequence[tuple[float, float, Trial]],
    name: str = "",
    transform: Transform | None = None,
) -> None:
    """A mark at (x, y) for each trial, those of one look together; `name` tells several calls in a figure apart."""
    groups: dict[Look, list[tuple[float, float]]] = {}
    for x, y, trial in points:
        groups.setdefault(BEST if trial is report.best else look(trial), []).append((x, y))
    for seen, places in groups.items():
        (drawn,) = axes.plot(
            [x for x, _ in places],
            [y for _, y in places],
            seen.marker,
            color=seen.color,
            markerfacecolor=seen.face,
            markeredgewidth=0 if seen.filled else 1.4,
            markersize=15 if seen is BEST else 7,
            zorder=3 if seen is BEST else 2,
            clip_on=False,
            transform=transform or axes.transData,
        )
        mark(drawn, f"{seen.label.replace(' ', '-')}{name}")
