"""What an evaluator has to know of a job, as the database has it."""

from pathlib import Path
from typing import Any

from diagnostics.job import JobFacts
from local_sagemaker.runtime.training import hyperparameters
from local_sagemaker.runtime.training.evaluation_folder import evaluation_request
from local_sagemaker.runtime.training.spec import TrainingSpec
from local_sagemaker.store.training_jobs import TrainingJob


def wanted_request(spec: TrainingSpec, job: TrainingJob, endpoint_url: str, buckets_dir: Path) -> dict[str, Any]:
    """The content of evaluation.json as it should be now. `ended_at` is set when nothing more will be written."""
    facts = JobFacts(
        name=job.name,
        instance_type=spec.instance_type,
        instance_count=len(spec.hosts),
        status=job.status,
        started_at=job.started_at,
        ended_at=job.ended_at,
        hyperparameters={
            name: str(value) for name, value in hyperparameters.user_hyperparameters(spec.hyperparameters).items()
        },
    )
    return evaluation_request(spec, facts, endpoint_url, buckets_dir)
