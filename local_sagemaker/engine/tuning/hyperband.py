"""Hyperband as AWS describes its own: asynchronous successive halving (ASHA) over several brackets. Pure functions.

Training jobs get random values and belong to brackets. A bracket has rungs, epochs that grow by REDUCTION; a training
job that reaches a rung is stopped unless its objective there is among the best 1 / REDUCTION of those that have reached
it so far, itself included. The brackets begin with higher and higher rungs; the last has none. Which bracket a training
job belongs to, and whether it is stopped, follows from its number and the order of the values alone.
"""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from local_sagemaker.engine.tuning.curve import Curve
from local_sagemaker.engine.tuning.results import is_better

REDUCTION = 3
MIN_RESOURCE = 1
MAX_RESOURCE = 20_000
EPOCHS = ("epochs", "numepochs", "n-epochs", "n_epochs", "num_epochs")


def epochs(hyperparameters: Mapping[str, str]) -> int | None:
    """How many epochs the hyperparameters ask for; None when they do not say."""
    for name in EPOCHS:
        try:
            decoded = json.loads(hyperparameters[name])
            found = int(decoded)
        except (KeyError, TypeError, ValueError, OverflowError):
            continue
        if found >= 1:
            return found
    return None


def resources(config: Mapping[str, Any]) -> tuple[int, int]:
    """MinResource and MaxResource of a HyperParameterTuningJobConfig that was completed at its creation."""
    hyperband = config["StrategyConfig"]["HyperbandStrategyConfig"]
    return hyperband["MinResource"], hyperband["MaxResource"]


def rungs(min_resource: int, max_resource: int, index: int) -> list[int]:
    """The epochs at which the training job `index` (from 0) has to stand among the best of its bracket."""
    levels = _levels(min_resource, max_resource)
    return levels[bracket_of(min_resource, max_resource, index) :]


def bracket_of(min_resource: int, max_resource: int, index: int) -> int:
    """The bracket of the training job `index`: the strictest first, as many jobs in each as Hyperband gives it."""
    last = len(_levels(min_resource, max_resource))
    sizes = [math.ceil((last + 1) / (s + 1) * REDUCTION**s) for s in range(last, -1, -1)]
    index %= sum(sizes)
    bracket = 0
    while index >= sizes[bracket]:
        index -= sizes[bracket]
        bracket += 1
    return bracket


def falls_out(curve: Curve, others: Sequence[Curve], levels: Sequence[int], *, maximize: bool) -> bool:
    """Whether a training job is to be stopped at one of its rungs. `others` are its bracket's other training jobs."""
    return any(_falls_out_at(curve, others, level, maximize=maximize) for level in levels if len(curve) >= level)


def _falls_out_at(curve: Curve, others: Sequence[Curve], level: int, *, maximize: bool) -> bool:
    own, place = curve.values[level - 1], curve.places[level - 1]
    earlier = [other.values[level - 1] for other in others if len(other) >= level and other.places[level - 1] < place]
    survivors = (len(earlier) + 1) // REDUCTION
    if survivors == 0:  # too few to tell
        return False
    if math.isnan(own):
        return True
    return sum(is_better(value, own, maximize=maximize) for value in earlier) >= survivors


def _levels(min_resource: int, max_resource: int) -> list[int]:
    levels: list[int] = []
    level = min_resource
    while level < max_resource:
        levels.append(level)
        level *= REDUCTION
    return levels
