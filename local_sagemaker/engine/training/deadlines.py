"""When a training job has to have started, or to have ended, by its StoppingCondition."""

from local_sagemaker.engine.training.job import Deadline
from local_sagemaker.store.training_jobs import TrainingJob

DEFAULT_MAX_RUNTIME_SECONDS = 86_400


def deadlines(job: TrainingJob) -> tuple[Deadline, ...]:
    """The deadlines that hold in the job's phase.

    MaxWaitTimeInSeconds counts from the creation and all attempts together; MaxRuntimeInSeconds counts only the time in
    which the job has its instances; MaxPendingTimeInSeconds holds until the first start.
    """
    condition = job.request.get("StoppingCondition") or {}
    found = []
    if wait := condition.get("MaxWaitTimeInSeconds"):
        found.append(Deadline(job.created_at + wait, "MaxWaitTimeExceeded"))
    if job.started_at is None:
        if pending := condition.get("MaxPendingTimeInSeconds"):
            found.append(Deadline(job.created_at + pending, "MaxPendingTimeExceeded"))
    elif job.paused_at is None:
        runtime = condition.get("MaxRuntimeInSeconds", DEFAULT_MAX_RUNTIME_SECONDS)
        found.append(Deadline(job.started_at + job.paused_seconds + runtime, "MaxRuntimeExceeded"))
    return tuple(found)
