"""TrainingJobEarlyStoppingType Auto, AWS's median rule, as pure functions.

After each epoch a training job is stopped when its objective is worse than the median, over the training jobs that
have completed, of the running averages of theirs up to the same epoch.
"""

import math
from collections.abc import Mapping, Sequence
from statistics import median

from local_sagemaker.engine.tuning.curve import Curve
from local_sagemaker.engine.tuning.results import is_better

COMPLETED_AT_LEAST = 3  # a median of fewer says little; AWS does not tell its number


def underperforming(running: Mapping[str, Curve], completed: Sequence[Curve], *, maximize: bool) -> list[str]:
    """The names of running training jobs that are to be stopped."""
    return [name for name, curve in running.items() if _is_worse(curve, completed, maximize=maximize)]


def _is_worse(curve: Curve, completed: Sequence[Curve], *, maximize: bool) -> bool:
    epochs = len(curve)
    if epochs == 0:
        return False
    # Only those that went on after this epoch: in the last one there is nothing left to save.
    averages = [other.averages[epochs - 1] for other in completed if len(other) > epochs]
    averages = [average for average in averages if not math.isnan(average)]
    if len(averages) < COMPLETED_AT_LEAST:
        return False
    value = curve.values[-1]
    return math.isnan(value) or is_better(median(averages), value, maximize=maximize)
