"""The hyperparameters that a tuning job found best."""

from service.aws import sagemaker_jobs
from service.aws.clients import Clients
from service.domain.tuning_job_answer import tuning_job
from service.errors import StateConflict
from service.schemas.job import HyperparameterValue


def best(clients: Clients, name: str) -> dict[str, HyperparameterValue]:
    """The searched hyperparameters of the best training job so far.

    Raises TuningJobNotFound, and StateConflict when no training job has told its objective yet.
    """
    job = tuning_job(sagemaker_jobs.describe_tuning_job(clients, name), {})
    if job.best_training_job is not None:
        return job.best_training_job.hyperparameters
    counters = job.training_job_counters
    detail = (
        f"The tuning job {name} is {job.status} and has no best training job: {counters.completed} completed, "
        f"{counters.in_progress} in progress, {counters.non_retryable_error + counters.retryable_error} failed."
    )
    if job.status.is_over:
        action = f"GET {job.training_jobs_url} says why its training jobs failed; tune again, or name hyperparameters."
    else:
        action = f"Wait until GET /jobs/tuning/{name} shows a best_training_job, or name the hyperparameters yourself."
    raise StateConflict(detail, action)
