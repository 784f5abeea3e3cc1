"""Each trial's objective, and the best so far."""

import numpy as np
from matplotlib.figure import Figure

from diagnostics.report import words
from diagnostics.report.canvas import (
    ROW,
    WIDE,
    Entry,
    Panel,
    column,
    describe,
    label_x,
    legend,
    legend_rows,
    mark,
    nothing,
    numbers,
    title,
)
from diagnostics.report.objective_axis import scale_objective
from diagnostics.report.palette import COLOURS
from diagnostics.report.trial_marks import draw_trials, entries
from diagnostics.report.tuning_report import TuningReport

SO_FAR = COLOURS["orange"].light


def draw(report: TuningReport, width: int = WIDE) -> Figure:
    """A mark a trial by its number, a staircase of the best; trials without an objective stand at the foot."""
    judged = report.judged
    if not judged:
        return nothing("No trial has an objective yet: it comes when its training job ends.", width)
    named = [*entries(report.trials), Entry("best so far", SO_FAR)]
    rows = legend_rows(named, width - 66)
    figure, (axes,) = column(width, [Panel(240 if width == WIDE else 200, head=34 + ROW * rows, foot=44)])
    values = [trial.objective or 0.0 for trial in judged]
    log = scale_objective(axes, values)
    whole = [trial for trial in judged if not trial.early_stopped]
    if whole:
        best = np.minimum if report.objective_type == "Minimize" else np.maximum
        so_far = best.accumulate([trial.objective or 0.0 for trial in whole])
        last = max(trial.number for trial in report.trials)
        (stairs,) = axes.plot(
            [*(trial.number for trial in whole), last],
            [*so_far, so_far[-1]],
            color=SO_FAR,
            drawstyle="steps-post",
            linewidth=1.8,
        )
        mark(stairs, "best-so-far")
    draw_trials(axes, report, [(trial.number, trial.objective or 0.0, trial) for trial in judged])
    others = [trial for trial in report.trials if not trial.judged]
    draw_trials(axes, report, [(trial.number, 0.0, trial) for trial in others], "-foot", axes.get_xaxis_transform())
    axes.set_xlim(0.5, max(trial.number for trial in report.trials) + 0.5)
    numbers(axes.xaxis, 10 if width == WIDE else 5, whole=True)
    title(axes, words.shortened(report.objective_name, 40), "logarithmic" if log else "", above=13 + ROW * rows)
    legend(axes, named, width - 66, above=10)
    label_x(axes, "trial")
    return describe(figure, _said(report))


def _said(report: TuningReport) -> str:
    best = report.best
    if best is None or best.objective is None:
        return "No trial has an objective."
    text = f"{report.objective_name} of {words.several(len(report.judged), 'trial')}; "
    return text + f"the best is {words.number(best.objective)}, of trial {best.number}."
