"""The objective against each hyperparameter."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from diagnostics.report import words
from diagnostics.report.canvas import ROW, WIDE, Panel, describe, labelled, legend, legend_rows, nothing, tiles, title
from diagnostics.report.dimension import Dimension, dimensions
from diagnostics.report.objective_axis import scale_objective
from diagnostics.report.trial_marks import draw_trials, entries
from diagnostics.report.tuning_report import TuningReport

PANELS = 12  # hyperparameters drawn at most


def draw(report: TuningReport, width: int = WIDE) -> Figure:
    """A panel a hyperparameter, a mark a trial that has an objective."""
    found = dimensions(report)
    if not report.judged:
        return nothing("No trial has an objective yet: it comes when its training job ends.", width)
    if not found:
        return nothing("No hyperparameter differs between the trials.", width)
    shown = found[:PANELS]
    columns = 2 if width == WIDE and len(shown) > 1 else 1
    named = entries(report.judged)
    rows = legend_rows(named, width / columns - 66)
    top, other = Panel(190, head=34 + ROW * rows, foot=34), Panel(190, head=28, foot=34)
    figure, axes = tiles(width, len(shown), columns, top, other)
    for index, (dimension, panel) in enumerate(zip(shown, axes, strict=True)):
        _panel(panel, report, dimension, index, 13 + ROW * rows if index < columns else 9)
        if not index:
            legend(panel, named, width / columns - 66, above=8)
    rest = f"; {len(found) - PANELS} more hyperparameters are not shown" if len(found) > PANELS else ""
    names = words.listed([words.shortened(dimension.name, 40) for dimension in shown], PANELS)
    return describe(figure, f"{report.objective_name} of {len(report.judged)} trials against {names}{rest}.")


def _panel(axes: Axes, report: TuningReport, dimension: Dimension, index: int, above: float) -> None:
    points = [(dimension.place(trial.hyperparameters.get(dimension.name)), trial) for trial in report.judged]
    draw_trials(
        axes, report, [(at, trial.objective or 0.0, trial) for at, trial in points if at is not None], f"-{index}"
    )
    axes.set_xlim(-0.03, 1.03)
    most = 8 if dimension.scale == "categories" else 5
    ticks = dimension.ticks(most)
    labelled(axes.xaxis, [at for at, _ in ticks], [words.shortened(label, 12) for _, label in ticks])
    scale_objective(axes, [trial.objective or 0.0 for trial in report.judged])
    remark = {"log": "logarithmic", "reverse": "reverse logarithmic", "categories": "categories"}
    title(axes, words.shortened(dimension.name, 26), remark.get(dimension.scale, ""), above=above)
