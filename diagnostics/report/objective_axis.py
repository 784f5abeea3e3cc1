"""The axis of a tuning job's objective."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from diagnostics.report.canvas import logarithmic, numbers, wants_log


def scale_objective(axes: Axes, objectives: Sequence[float]) -> bool:
    """Limits and ticks of the y axis, the same in every plot; whether it is logarithmic."""
    values = np.asarray(objectives, dtype=float)
    lowest, highest = float(values.min()), float(values.max())
    if wants_log(values):
        axes.set_yscale("log")
        axes.set_ylim(lowest / 1.3, highest * 1.3)
        logarithmic(axes.yaxis, lowest, highest)
        return True
    room = (highest - lowest) * 0.08 or abs(highest) * 0.1 or 1.0
    axes.set_ylim(lowest - room, highest + room)
    numbers(axes.yaxis, 5)
    return False
