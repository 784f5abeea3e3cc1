"""DeleteTrainingJob and DeleteHyperParameterTuningJob. What jobs wrote to S3 stays, as it does at AWS."""

import contextlib
import shutil
import signal
import time
import uuid
from pathlib import Path
from typing import Any

from local_sagemaker.engine.tuning.results import ENDED
from local_sagemaker.engine.tuning.warm_start import parent_names
from local_sagemaker.errors import ResourceInUse, ResourceNotFound
from local_sagemaker.operations.context import Context
from local_sagemaker.runtime import process
from local_sagemaker.store import tags, training_jobs, tuning_jobs

START_SECONDS = 2.0  # that an evaluator may take from its claim to its start


def delete_training_job(context: Context, members: dict[str, Any]) -> dict[str, Any]:
    """Forget a training job that has ended, its logs, metrics and rules included; its name is free again."""
    name = members["TrainingJobName"]
    with context.database.transaction():
        job = training_jobs.get(context.database, name)
        if job is None:
            raise ResourceNotFound(f"Requested resource not found: there is no training job {name}.")
        if job.status not in ENDED:
            raise ResourceInUse(f"The training job {name} is in status {job.status}. Stop it, or wait for its end.")
        owner = tuning_jobs.get(context.database, job.tuning_job_name) if job.tuning_job_name else None
        if owner is not None and owner.status not in ENDED:
            raise ResourceInUse(f"The training job {name} belongs to the tuning job {owner.name}, which has not ended.")
        _end_evaluator(context.settings.jobs_dir / name / "evaluation")
        training_jobs.delete(context.database, name)
        tags.delete_tags(context.database, job.arn)
        # Out of the way of a new job of this name; the engine's start removes what is left should this be cut short.
        folder = context.settings.jobs_dir / f".{name}.{uuid.uuid4().hex}"
        with contextlib.suppress(FileNotFoundError):
            (context.settings.jobs_dir / name).rename(folder)
    shutil.rmtree(folder, ignore_errors=True)
    return {}


def _end_evaluator(folder: Path) -> None:
    """End what still judges the job's rules; one that is about to start is waited for."""
    deadline = time.monotonic() + START_SECONDS
    while isinstance(state := process.observe(folder), process.Running) and time.monotonic() < deadline:
        if state.pid > 0:
            process.send_signal(state, signal.SIGKILL)
            return
        time.sleep(0.005)


def delete_tuning_job(context: Context, members: dict[str, Any]) -> dict[str, Any]:
    """Forget a tuning job that has ended. Its training jobs stay."""
    name = members["HyperParameterTuningJobName"]
    with context.database.transaction():
        job = tuning_jobs.get(context.database, name)
        if job is None:
            raise ResourceNotFound(f"Amazon SageMaker can't find a tuning job called {name}. Type another name.")
        if job.status not in ENDED:
            raise ResourceInUse(f"The tuning job {name} is in status {job.status}. Stop it, or wait for its end.")
        for other in tuning_jobs.active(context.database):
            if name in parent_names(other.request):
                raise ResourceInUse(f"The tuning job {name} is a parent of {other.name}, which has not ended.")
        tuning_jobs.delete(context.database, name)
        tags.delete_tags(context.database, job.arn)
    return {}
