"""A state folder with training jobs that have ended, written as the operations and the engine write them."""

import time
from pathlib import Path
from typing import Any

from local_sagemaker.store import training_jobs
from local_sagemaker.store.database import Database
from local_sagemaker.store.job_metrics import Metric

ACCOUNT = "123456789012"
REQUEST: dict[str, Any] = {
    "AlgorithmSpecification": {
        "TrainingImage": f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.5-cpu-py311",
        "TrainingInputMode": "File",
        "MetricDefinitions": [{"Name": "loss", "Regex": "loss=([0-9.]+)"}],
    },
    "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/SageMakerRole",
    "InputDataConfig": [
        {
            "ChannelName": channel,
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://data/{channel}"}},
        }
        for channel in ("train", "validation", "test")
    ],
    "OutputDataConfig": {"S3OutputPath": "s3://data/out"},
    "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 30},
    "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
    "HyperParameters": {
        "sagemaker_program": '"train.py"',
        "sagemaker_submit_directory": '"s3://data/sourcedir.tar.gz"',
        **{f"parameter-{number}": '"0.1"' for number in range(10)},
    },
}
PHASES = ("Downloading", "Training", "Uploading")


def name(number: int) -> str:
    """A job's name."""
    return f"dogs-{number:06d}"


def write(state_dir: Path, count: int) -> None:
    """Add jobs that ran to their end in the last hours."""
    database = Database(state_dir / "local_sagemaker.db")
    first = time.time() - 60.0 * count
    with database.transaction():
        for number in range(count):
            _write_job(database, number, first + 60.0 * number)
    database.connection.close()


def _write_job(database: Database, number: int, now: float) -> None:
    arn = f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:training-job/{name(number)}"
    request = {"TrainingJobName": name(number), **REQUEST}
    job = training_jobs.new_training_job(name(number), arn, "us-east-1", request=request, now=now)
    training_jobs.insert(database, job)
    for step, phase in enumerate(PHASES, 1):
        metrics = [Metric("loss", now + step, 1.0 / step)] if phase == "Uploading" else []
        job = training_jobs.update(
            database, job, now + step, phase=phase, secondary_status=phase, status_message=phase, metrics=metrics
        )
    training_jobs.update(
        database,
        job,
        now + 4,
        phase="Ended",
        status="Completed",
        secondary_status="Completed",
        status_message="Training job completed",
        started_at=now + 1,
        ended_at=now + 4,
    )
