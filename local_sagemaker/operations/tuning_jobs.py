"""CreateHyperParameterTuningJob and its siblings."""

import math
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from local_sagemaker.engine import tuning_job as results
from local_sagemaker.engine.tuning_job import Child
from local_sagemaker.engine.tuning_jobs import child_of
from local_sagemaker.errors import ResourceInUse, ValidationException
from local_sagemaker.operations import listing
from local_sagemaker.operations.context import Context
from local_sagemaker.operations.tags import check_tags
from local_sagemaker.operations.training_jobs import described_channel, described_output
from local_sagemaker.operations.tuning_job_rules import RANGES, check_tuning_job
from local_sagemaker.runtime.hyperparameters import TUNING_OBJECTIVE
from local_sagemaker.store import tags, training_jobs
from local_sagemaker.store import tuning_jobs as store
from local_sagemaker.store.training_jobs import TrainingJob
from local_sagemaker.store.tuning_jobs import TuningJob


@dataclass(frozen=True)
class ChildRow:
    """A training job of a tuning job, as it is listed."""

    row: TrainingJob
    child: Child

    @property
    def name(self) -> str:
        """The training job's name."""
        return self.row.name

    @property
    def created_at(self) -> float:
        """Epoch seconds."""
        return self.row.created_at

    @property
    def modified_at(self) -> float:
        """Epoch seconds."""
        return self.row.modified_at

    @property
    def status(self) -> str:
        """TrainingJobStatus."""
        return self.row.status


SORT_KEYS = {
    **listing.SORT_KEYS,
    # Jobs without a value come first when ascending, last when descending.
    "FinalObjectiveMetricValue": lambda child_row: (
        -math.inf if child_row.child.objective is None else child_row.child.objective
    ),
}


def create_tuning_job(context: Context, members: dict[str, Any]) -> dict[str, Any]:
    """Record the tuning job and wake the engine. Raises ValidationException, ResourceInUse."""
    check_tuning_job(members)
    check_tags(members.get("Tags") or [])
    name = members["HyperParameterTuningJobName"]
    arn = context.arn("hyper-parameter-tuning-job", name)
    request = {member: value for member, value in members.items() if member != "Tags"}
    seed = request["HyperParameterTuningJobConfig"].get("RandomSeed")
    job = store.new_tuning_job(
        name,
        arn,
        context.region,
        request=request,
        seed=secrets.randbelow(2**31) if seed is None else seed,
        now=time.time(),
    )
    with context.database.transaction():
        if store.taken(context.database, name, arn):
            raise ResourceInUse(
                "Hyperparameter tuning job names must be unique within an AWS account and region, and a hyperparameter"
                f" tuning job with this name already exists ({arn})"
            )
        store.insert(context.database, job)
        tags.put_tags(context.database, arn, members.get("Tags") or [])
    context.wake_engine.set()
    return {"HyperParameterTuningJobArn": arn}


def describe_tuning_job(context: Context, members: dict[str, Any]) -> dict[str, Any]:
    """All that is known of a tuning job, its best training job included."""
    job = _existing(context, members["HyperParameterTuningJobName"])
    children = _children(context, job)
    outcomes = [child_row.child for child_row in children]
    maximize = _objective(job)["Type"] == "Maximize"
    best = results.best(outcomes, maximize=maximize)
    config = job.request["HyperParameterTuningJobConfig"]
    ranges = config.get("ParameterRanges") or {}
    return {
        "HyperParameterTuningJobName": job.name,
        "HyperParameterTuningJobArn": job.arn,
        "HyperParameterTuningJobConfig": {
            "TrainingJobEarlyStoppingType": "Off",
            **config,
            "ParameterRanges": {kind: ranges.get(kind) or [] for kind in RANGES},
        },
        "TrainingJobDefinition": _described_definition(job),
        "HyperParameterTuningJobStatus": job.status,
        "FailureReason": job.failure_reason,
        "CreationTime": job.created_at,
        "HyperParameterTuningEndTime": job.ended_at,
        "LastModifiedTime": max([job.modified_at, *(child_row.modified_at for child_row in children)]),
        "TrainingJobStatusCounters": results.status_counters(outcomes),
        "ObjectiveStatusCounters": results.objective_counters(outcomes),
        "BestTrainingJob": next(
            (_child_summary(job, child_row) for child_row in children if best and child_row.name == best.name), None
        ),
        "TuningJobCompletionDetails": {
            "NumberOfTrainingJobsObjectiveNotImproving": results.not_improving(outcomes, maximize=maximize)
        },
        "ConsumedResources": {"RuntimeInSeconds": int(sum(_seconds(child_row.row) for child_row in children))},
    }


def list_tuning_jobs(context: Context, members: dict[str, Any]) -> dict[str, Any]:
    """Summaries of all tuning jobs."""
    found, next_token = listing.page(store.all_jobs(context.database), members)
    return listing.answer("HyperParameterTuningJobSummaries", [_summary(context, job) for job in found], next_token)


def stop_tuning_job(context: Context, members: dict[str, Any]) -> dict[str, Any]:
    """Start no more training jobs and stop those that run."""
    with context.database.transaction():
        job = _existing(context, members["HyperParameterTuningJobName"])
        if job.status == "InProgress":
            store.update(context.database, job, time.time(), status="Stopping")
        elif job.status != "Stopping":
            raise ValidationException(
                f"The request was rejected because the hyperparameter tuning job is in status {job.status}."
            )
    context.wake_engine.set()
    return {}


def list_training_jobs_for_tuning_job(context: Context, members: dict[str, Any]) -> dict[str, Any]:
    """Summaries of a tuning job's training jobs, newest first unless asked otherwise."""
    job = _existing(context, members["HyperParameterTuningJobName"])
    found, next_token = listing.page(_children(context, job), members, sort_keys=SORT_KEYS)
    return listing.answer("TrainingJobSummaries", [_child_summary(job, child_row) for child_row in found], next_token)


def _existing(context: Context, name: str) -> TuningJob:
    job = store.get(context.database, name)
    if job is None:
        raise ValidationException("Requested resource not found.")
    return job


def _children(context: Context, job: TuningJob) -> list[ChildRow]:
    rows = training_jobs.of_tuning_job(context.database, job.name)
    return [ChildRow(row, child_of(context.database, job, row)) for row in rows]


def _objective(job: TuningJob) -> Mapping[str, str]:
    objective: Mapping[str, str] = job.request["HyperParameterTuningJobConfig"]["HyperParameterTuningJobObjective"]
    return objective


def _described_definition(job: TuningJob) -> dict[str, Any]:
    definition = job.request["TrainingJobDefinition"]
    channels = [described_channel(channel) for channel in definition.get("InputDataConfig") or []]
    return {
        # The SDK asks with HyperParameterTuningResourceConfig, and reads ResourceConfig.
        "ResourceConfig": definition.get("HyperParameterTuningResourceConfig"),
        **definition,
        "StaticHyperParameters": {
            TUNING_OBJECTIVE: _objective(job)["MetricName"],
            **(definition.get("StaticHyperParameters") or {}),
        },
        "InputDataConfig": channels or None,
        "OutputDataConfig": described_output(definition["OutputDataConfig"]),
        "EnableNetworkIsolation": False,
        "EnableInterContainerTrafficEncryption": bool(definition.get("EnableInterContainerTrafficEncryption")),
        "EnableManagedSpotTraining": False,
    }


def _summary(context: Context, job: TuningJob) -> dict[str, Any]:
    outcomes = [child_row.child for child_row in _children(context, job)]
    config = job.request["HyperParameterTuningJobConfig"]
    return {
        "HyperParameterTuningJobName": job.name,
        "HyperParameterTuningJobArn": job.arn,
        "HyperParameterTuningJobStatus": job.status,
        "Strategy": config["Strategy"],
        "CreationTime": job.created_at,
        "HyperParameterTuningEndTime": job.ended_at,
        "LastModifiedTime": job.modified_at,
        "TrainingJobStatusCounters": results.status_counters(outcomes),
        "ObjectiveStatusCounters": results.objective_counters(outcomes),
        "ResourceLimits": config["ResourceLimits"],
    }


def _child_summary(job: TuningJob, child_row: ChildRow) -> dict[str, Any]:
    row, child = child_row.row, child_row.child
    objective = _objective(job)
    metric = {"Type": objective["Type"], "MetricName": objective["MetricName"], "Value": child.objective}
    return {
        "TrainingJobName": row.name,
        "TrainingJobArn": row.arn,
        "CreationTime": row.created_at,
        "TrainingStartTime": row.started_at,
        "TrainingEndTime": row.ended_at,
        "TrainingJobStatus": row.status,
        "TunedHyperParameters": row.tuned or {},
        "FailureReason": row.failure_reason,
        "FinalHyperParameterTuningJobObjectiveMetric": None if child.objective is None else metric,
        "ObjectiveStatus": results.objective_status(child),
    }


def _seconds(row: TrainingJob) -> float:
    if row.started_at is None:
        return 0.0
    return (row.ended_at or time.time()) - row.started_at
