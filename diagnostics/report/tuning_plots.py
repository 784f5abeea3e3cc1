"""The plots of a tuning job by name."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from matplotlib.figure import Figure

from diagnostics.report import best_plot, hyperparameter_plot, parallel_plot, trial_plot
from diagnostics.report.plots import Format, render
from diagnostics.report.tuning_report import TuningReport

TUNING_PLOTS: Mapping[str, Callable[..., Figure]] = MappingProxyType(
    {
        "best": best_plot.draw,
        "hyperparameters": hyperparameter_plot.draw,
        "parallel": parallel_plot.draw,
        "trials": trial_plot.draw,
    }
)
"""Each takes a TuningReport and a width in px, and answers a matplotlib Figure."""


def tuning_plot(name: str, report: TuningReport, fmt: Format) -> bytes:
    """The plot called `name` of a tuning job. Raises KeyError for a name that is not in TUNING_PLOTS."""
    return render(TUNING_PLOTS[name](report), fmt)
