"""The model artifact that a training job left."""

from service.aws import sagemaker_jobs
from service.aws.clients import Clients
from service.errors import StateConflict

WITH_ARTIFACT = ("Completed", "Stopped")


def s3_uri_of(clients: Clients, training_job: str) -> str:
    """The job's model.tar.gz. Raises TrainingJobNotFound, or StateConflict while there is none."""
    job = sagemaker_jobs.describe_training_job(clients, training_job)
    status = job["TrainingJobStatus"]
    if status not in WITH_ARTIFACT:
        raise StateConflict(f"Training job {training_job!r} is {status}.", _action(training_job, status))
    uri: str | None = job.get("ModelArtifacts", {}).get("S3ModelArtifacts")
    if not uri:
        raise no_artifact(training_job, status)
    return uri


def no_artifact(training_job: str, status: str = "ended") -> StateConflict:
    """The problem of a job that ended without a model."""
    return StateConflict(
        f"Training job {training_job!r} is {status} and left no model artifact.", "Deploy another training job."
    )


def _action(training_job: str, status: str) -> str:
    if status == "Failed":
        return f"GET /jobs/training/{training_job} tells why it failed; deploy a job that is Completed."
    return f"Wait until GET /jobs/training/{training_job} says Completed, then send this again."
