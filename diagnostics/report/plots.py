"""The plots of a training job by name, and how a figure becomes bytes."""

import io
import threading
import warnings
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Literal

import matplotlib as mpl
from matplotlib.figure import Figure

from diagnostics.report import core_plot, loss_plot, metric_plot, rule_plot, step_plot
from diagnostics.report.report import JobReport

Format = Literal["svg", "png"]
PLOTS: Mapping[str, Callable[..., Figure]] = MappingProxyType(
    {
        "losses": loss_plot.draw,
        "rules": rule_plot.draw,
        "metrics": metric_plot.draw,
        "cores": core_plot.draw,
        "steps": step_plot.draw,
    }
)
"""Each takes a JobReport and a width in px, and answers a matplotlib Figure."""

# matplotlib reads these while it writes and has them for the whole process: one writer at a time.
_WRITING = threading.Lock()
_SETTINGS: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "sagehound",
    "text.parse_math": False,
}


def render(figure: Figure, fmt: Format) -> bytes:
    """The figure as SVG, its text as text, or as PNG at twice its size. The same figure gives the same bytes."""
    out = io.BytesIO()
    with _WRITING, mpl.rc_context(_SETTINGS), warnings.catch_warnings():
        # Some ticks are made before this: they may bear names, and `$` in a name is no formula.
        for axes in figure.axes:
            for tick in (*axes.xaxis.get_major_ticks(), *axes.yaxis.get_major_ticks()):
                tick.label1.set_parse_math(False)
        # Names may have letters that matplotlib's font has not; a browser has them.
        warnings.filterwarnings("ignore", message=r"Glyph .* missing from", category=UserWarning)
        if fmt == "svg":
            figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None, "Type": None, "Format": None})
        else:
            figure.savefig(out, format="png", dpi=144, metadata={"Software": None})
    return out.getvalue()


def plot(name: str, report: JobReport, fmt: Format) -> bytes:
    """The plot called `name` of a job. Raises KeyError for a name that is not in PLOTS."""
    return render(PLOTS[name](report), fmt)
