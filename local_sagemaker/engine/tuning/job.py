"""What to do next with a tuning job: pure functions."""

from collections.abc import Sequence
from dataclasses import dataclass

from local_sagemaker.engine.loop import Wait
from local_sagemaker.store.tuning_children import Child

ATTEMPTS = 5  # failures in a row at the beginning, after which AWS gives up
ALL_FAILED = "All training jobs failed. Please take a look at the training jobs failures to get more details."
NONE_SUCCEEDED = (
    f"No training job succeeded after {ATTEMPTS} attempts. Please take a look at the training job failures to get more"
    " details."
)


@dataclass(frozen=True)
class Observation:
    """What is true of a tuning job now. Times are epoch seconds; `deadline` is the end of MaxRuntimeInSeconds.

    `completed` says that a completion criterion is met; `underperforming` names training jobs to be stopped early.
    """

    stopping: bool
    max_jobs: int
    max_parallel: int
    started: int
    active: Sequence[Child]
    ended: Sequence[Child]
    now: float
    deadline: float | None = None
    completed: bool = False
    underperforming: Sequence[str] = ()


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
    if o.stopping or o.completed:
        return _wound_up(o, End("Stopped" if o.stopping else "Completed"))
    failed = bool(o.ended) and all(child.status == "Failed" for child in o.ended)
    hopeless = failed and len(o.ended) >= ATTEMPTS
    if not o.active and (o.started >= o.max_jobs or hopeless):
        return _ended(o, failed=failed)
    if o.deadline is not None and o.now >= o.deadline:
        return StopAll()
    if o.underperforming:
        return StopTrainingJobs(o.underperforming)
    if o.started < o.max_jobs and len(o.active) < o.max_parallel and not hopeless:
        return StartTrainingJob(o.started + 1)
    return Wait(None if o.deadline is None else o.deadline - o.now)


def _ended(o: Observation, *, failed: bool) -> End:
    if not failed:
        return End("Completed")
    return End("Failed", ALL_FAILED if o.started >= o.max_jobs else NONE_SUCCEEDED)


def _wound_up(o: Observation, end: End) -> Decision:
    running = [child.name for child in o.active if child.status == "InProgress"]
    if running:
        return StopTrainingJobs(running)
    return Wait(None) if o.active else end
