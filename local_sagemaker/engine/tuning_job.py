"""What to do next with a tuning job, and what its training jobs amount to: pure functions."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from local_sagemaker.runtime.hyperparameters import TUNING_OBJECTIVE

ObjectiveStatus = Literal["Succeeded", "Pending", "Failed"]

ALL_FAILED = "All training jobs failed. Please take a look at the training jobs failures to get more details."
ENDED = ("Completed", "Failed", "Stopped")


@dataclass(frozen=True)
class Child:
    """A training job of the tuning job. `objective` is the last value of the objective metric, None without one."""

    name: str
    number: int
    status: str
    objective: float | None
    ended_at: float | None = None


@dataclass(frozen=True)
class Observation:
    """What is true of a tuning job now. Times are epoch seconds; `deadline` is the end of MaxRuntimeInSeconds."""

    stopping: bool
    max_jobs: int
    max_parallel: int
    children: Sequence[Child]
    now: float
    deadline: float | None = None


@dataclass(frozen=True)
class Wait:
    """Nothing is due; look again in `seconds`, or at the next wake-up."""

    seconds: float | None


@dataclass(frozen=True)
class StartTrainingJob:
    """Start the training job with this number."""

    number: int


@dataclass(frozen=True)
class StopAll:
    """The time is over: stop, as if StopHyperParameterTuningJob had been called."""


@dataclass(frozen=True)
class StopTrainingJobs:
    """Ask these training jobs to stop."""

    names: Sequence[str]


@dataclass(frozen=True)
class End:
    """The tuning job's end."""

    status: str
    failure_reason: str | None = None


Decision = Wait | StartTrainingJob | StopAll | StopTrainingJobs | End


def decide(o: Observation) -> Decision:
    """The next thing to do."""
    active = [child for child in o.children if child.status not in ENDED]
    if o.stopping:
        return _stopping(active)
    if len(o.children) >= o.max_jobs and not active:
        if all(child.status == "Failed" for child in o.children):
            return End("Failed", ALL_FAILED)
        return End("Completed")
    if o.deadline is not None and o.now >= o.deadline:
        return StopAll()
    if len(o.children) < o.max_jobs and len(active) < o.max_parallel:
        return StartTrainingJob(len(o.children) + 1)
    return Wait(None if o.deadline is None else o.deadline - o.now)


def _stopping(active: Sequence[Child]) -> Decision:
    running = [child.name for child in active if child.status == "InProgress"]
    if running:
        return StopTrainingJobs(running)
    return Wait(None) if active else End("Stopped")


def objective_status(child: Child) -> ObjectiveStatus:
    """Whether the child's objective counts."""
    if child.status not in ENDED:
        return "Pending"
    return "Succeeded" if child.status != "Failed" and child.objective is not None else "Failed"


def best(children: Sequence[Child], *, maximize: bool) -> Child | None:
    """The child with the best objective, the earlier one of equals."""
    ranked = [child for child in children if objective_status(child) == "Succeeded"]
    if not ranked:
        return None
    sign = -1.0 if maximize else 1.0
    return min(ranked, key=lambda child: (sign * (child.objective or 0.0), child.number))


def status_counters(children: Sequence[Child]) -> dict[str, int]:
    """TrainingJobStatusCounters."""
    statuses = [child.status for child in children]
    return {
        "Completed": statuses.count("Completed"),
        "InProgress": sum(status not in ENDED for status in statuses),
        "RetryableError": 0,
        "NonRetryableError": statuses.count("Failed"),
        "Stopped": statuses.count("Stopped"),
    }


def objective_counters(children: Sequence[Child]) -> dict[str, int]:
    """ObjectiveStatusCounters."""
    statuses = [objective_status(child) for child in children]
    return {name: statuses.count(name) for name in ("Succeeded", "Pending", "Failed")}


def not_improving(children: Sequence[Child], *, maximize: bool) -> int:
    """How many training jobs have ended since the best one did."""
    ended = sorted((child for child in children if child.ended_at is not None), key=lambda child: child.ended_at or 0.0)
    champion = best(ended, maximize=maximize)
    return len(ended) if champion is None else len(ended) - 1 - ended.index(champion)


def child_name(tuning_job_name: str, number: int, created_at: float) -> str:
    """`<tuning>-001-<8 hex>`; the same each time it is asked."""
    digest = hashlib.sha256(f"{tuning_job_name}\n{created_at!r}\n{number}".encode()).hexdigest()
    return f"{tuning_job_name}-{number:03d}-{digest[:8]}"


def child_request(request: Mapping[str, Any], name: str, tuned: Mapping[str, str]) -> dict[str, Any]:
    """CreateTrainingJob's members of a child. Checkpoints of one trial must not become those of the next."""
    definition = dict(request["TrainingJobDefinition"])
    config = request["HyperParameterTuningJobConfig"]
    resources = definition.pop("HyperParameterTuningResourceConfig", None) or definition.pop("ResourceConfig")
    static = definition.pop("StaticHyperParameters", None) or {}
    for handled in ("DefinitionName", "TuningObjective", "HyperParameterRanges"):
        definition.pop(handled, None)
    if checkpoint := definition.get("CheckpointConfig"):
        definition["CheckpointConfig"] = {**checkpoint, "S3Uri": f"{checkpoint['S3Uri'].rstrip('/')}/{name}"}
    objective = config["HyperParameterTuningJobObjective"]["MetricName"]
    return {
        **definition,
        "TrainingJobName": name,
        "ResourceConfig": resources,
        "HyperParameters": {TUNING_OBJECTIVE: objective, **static, **tuned},
    }
