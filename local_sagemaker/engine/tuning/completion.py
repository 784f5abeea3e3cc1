"""TuningJobCompletionCriteria: when a tuning job is good enough, or gets no better. Pure functions.

Everything is read from the training jobs that have ended, in the order of their ends, so a criterion that was once met
stays met.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from local_sagemaker.engine.tuning.results import is_better, usable_objective
from local_sagemaker.store.tuning_children import Child

SIGNIFICANT = 0.01  # of the best objective so far: what is not more is no improvement
# AWS does not tell its rule of convergence. This one: so many training jobs in a row brought no improvement, and no
# fewer than those before them.
CONVERGED_AFTER = 10


@dataclass(frozen=True)
class Progress:
    """How far a tuning job has come. `converged_at` is epoch seconds, None as long as it may improve."""

    not_improving: int
    converged_at: float | None
    completed: bool


def progress(ended: Sequence[Child], config: Mapping[str, Any], *, maximize: bool) -> Progress:
    """The progress of a tuning job with this HyperParameterTuningJobConfig; `ended` in any order."""
    criteria = config.get("TuningJobCompletionCriteria") or {}
    target = criteria.get("TargetObjectiveMetricValue")
    patience = (criteria.get("BestObjectiveNotImproving") or {}).get("MaxNumberOfTrainingJobsNotImproving")
    on_convergence = (criteria.get("ConvergenceDetected") or {}).get("CompleteOnConvergence") == "Enabled"
    leader: float | None = None
    not_improving = evaluated = 0
    converged_at: float | None = None
    completed = False
    for child in sorted(ended, key=lambda child: (child.ended_at or 0.0, child.number)):
        value = usable_objective(child)
        if value is None:
            continue
        evaluated += 1
        if leader is None or _improves(value, leader, maximize=maximize):
            leader, not_improving = value, 0
        else:
            not_improving += 1
        if converged_at is None and not_improving >= max(CONVERGED_AFTER, evaluated - not_improving):
            converged_at = child.ended_at
        completed = (
            completed
            or (target is not None and not is_better(target, value, maximize=maximize))
            or (patience is not None and not_improving >= patience)
            or (on_convergence and converged_at is not None)
        )
    return Progress(not_improving, converged_at, completed)


def _improves(value: float, leader: float, *, maximize: bool) -> bool:
    return is_better(value, leader, maximize=maximize) and abs(value - leader) > SIGNIFICANT * abs(leader)
