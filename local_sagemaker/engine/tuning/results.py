"""What the training jobs of a tuning job amount to: pure functions."""

from collections.abc import Sequence
from typing import Literal

from local_sagemaker.store.tuning_children import Child

ObjectiveStatus = Literal["Succeeded", "Pending", "Failed"]

ENDED = ("Completed", "Failed", "Stopped")
RETRYABLE = "InternalServerError"  # such a failure is no fault of the script or its input


def objective_status(child: Child) -> ObjectiveStatus:
    """Whether the child's objective counts. A child that was stopped counts with its last value."""
    if child.status not in ENDED:
        return "Pending"
    return "Succeeded" if child.status != "Failed" and child.objective is not None else "Failed"


def usable_objective(child: Child) -> float | None:
    """The objective of a child that has ended well."""
    return child.objective if objective_status(child) == "Succeeded" else None


def is_better(value: float, than: float, *, maximize: bool) -> bool:
    """Strictly better."""
    return value > than if maximize else value < than


def best(children: Sequence[Child], *, maximize: bool) -> Child | None:
    """The child with the best objective, the first of equals."""
    champion: Child | None = None
    for child in children:
        value = usable_objective(child)
        if value is not None and (champion is None or is_better(value, champion.objective or 0.0, maximize=maximize)):
            champion = child
    return champion


def status_counters(children: Sequence[Child]) -> dict[str, int]:
    """TrainingJobStatusCounters."""
    statuses = [child.status for child in children]
    retryable = sum(
        child.status == "Failed" and (child.failure_reason or "").startswith(RETRYABLE) for child in children
    )
    return {
        "Completed": statuses.count("Completed"),
        "InProgress": sum(status not in ENDED for status in statuses),
        "RetryableError": retryable,
        "NonRetryableError": statuses.count("Failed") - retryable,
        "Stopped": statuses.count("Stopped"),
    }


def objective_counters(children: Sequence[Child]) -> dict[str, int]:
    """ObjectiveStatusCounters."""
    statuses = [objective_status(child) for child in children]
    return {name: statuses.count(name) for name in ("Succeeded", "Pending", "Failed")}
