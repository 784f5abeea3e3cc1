"""CreateTrainingJob, DescribeTrainingJob, ListTrainingJobs, StopTrainingJob."""

import math
import sqlite3
from collections.abc import Mapping
from typing import Any

from local_sagemaker import clock
from local_sagemaker.errors import ResourceInUse, ValidationException
from local_sagemaker.operations import listing
from local_sagemaker.operations.context import Context
from local_sagemaker.operations.coverage import Structure
from local_sagemaker.operations.jobs.diagnostics_view import described_diagnostics
from local_sagemaker.operations.jobs.training_job_rules import SUPPORTED, check_training_job
from local_sagemaker.operations.tags import check_tags
from local_sagemaker.runtime.training.output import model_artifacts_uri
from local_sagemaker.store import (
    job_metrics,
    pages,
    rule_evaluations,
    secondary_transitions,
    tags,
    tuning_jobs,
    warm_pools,
)
from local_sagemaker.store import training_jobs as store
from local_sagemaker.store.training_jobs import TrainingJob
from local_sagemaker.store.warm_pools import WarmPool

DEFAULT_STOPPING_CONDITION = {"MaxRuntimeInSeconds": 86_400}
DESCRIBED = (*SUPPORTED, "RemoteDebugConfig", "InfraCheckConfig")
LIST = Structure(
    "ListTrainingJobsRequest",
    honoured=(
        *("NextToken", "MaxResults", "NameContains", "StatusEquals", "SortBy", "SortOrder", "WarmPoolStatusEquals"),
        *("CreationTimeAfter", "CreationTimeBefore", "LastModifiedTimeAfter", "LastModifiedTimeBefore"),
    ),
    refused={"TrainingPlanArnEquals": "there are no training plans; leave it out"},
)
STRUCTURES = (LIST,)


def create_training_job(context: Context, members: dict[str, Any]) -> dict[str, Any]:
    """Record the job and wake the engine. Raises ValidationException, ResourceInUse."""
    check_training_job(members)
    check_tags(members.get("Tags") or [])
    name = members["TrainingJobName"]
    arn = context.arn("training-job", name)
    request = {member: value for member, value in members.items() if member != "Tags"}
    job = store.new_training_job(name, arn, context.region, request=request, now=clock.now())
    with context.database.transaction():
        if store.taken(context.database, name, arn):
            raise ResourceInUse(
                "Training job names must be unique within an AWS account and region, and a training job with this name"
                f" already exists ({arn})"
            )
        store.insert(context.database, job)
        rule_evaluations.begin(context.database, job, job.created_at)
        tags.put_tags(context.database, arn, members.get("Tags") or [])
    context.wake_engine.set()
    return {"TrainingJobArn": arn}


def describe_training_job(context: Context, members: dict[str, Any]) -> dict[str, Any]:
    """All that is known of a job, with the members that AWS adds."""
    job = _existing(context, members["TrainingJobName"])
    return {**_requested(job), **_state(context, job), **described_diagnostics(context.database, job)}


def list_training_jobs(context: Context, members: dict[str, Any]) -> dict[str, Any]:
    """Summaries of all jobs, tuning jobs' included."""
    LIST.check(members)
    found, next_token = listing.rows(context.database, pages.TRAINING_JOBS, members, default_order="Ascending")
    pools = warm_pools.of_jobs(context.database, [row["name"] for row in found])
    return listing.answer("TrainingJobSummaries", [_summary(row, pools.get(row["name"])) for row in found], next_token)


def stop_training_job(context: Context, members: dict[str, Any]) -> dict[str, Any]:
    """Ask for a job's end; it has the time of the grace to save its model."""
    with context.database.transaction():
        job = _existing(context, members["TrainingJobName"])
        if job.status == "InProgress":
            store.request_stop(context.database, job, clock.now())
        elif job.status != "Stopping":
            raise ValidationException(f"The request was rejected because the training job is in status {job.status}.")
    context.wake_engine.set()
    return {}


def _existing(context: Context, name: str) -> TrainingJob:
    job = store.get(context.database, name)
    if job is None:
        raise ValidationException("Requested resource not found.")
    return job


def _summary(row: sqlite3.Row, pool: WarmPool | None) -> dict[str, Any]:
    return {
        "TrainingJobName": row["name"],
        "TrainingJobArn": row["arn"],
        "CreationTime": row["created_at"],
        "TrainingEndTime": row["ended_at"],
        "LastModifiedTime": row["modified_at"],
        "TrainingJobStatus": row["status"],
        "SecondaryStatus": row["secondary_status"],
        "WarmPoolStatus": _warm_pool_status(pool),
    }


def _warm_pool_status(pool: WarmPool | None) -> dict[str, Any] | None:
    """WarmPoolStatus; None for a job that neither asked for a pool nor took over another's."""
    if pool is None:
        return None
    retained = pool.retained_seconds(clock.now())
    return {
        "Status": pool.status,
        "ResourceRetainedBillableTimeInSeconds": None if retained is None else math.ceil(retained),
        "ReusedByJob": pool.reused_by,
    }


def _requested(job: TrainingJob) -> dict[str, Any]:
    request = {member: value for member, value in job.request.items() if member in DESCRIBED}
    return {
        **request,
        "InputDataConfig": [described_channel(channel) for channel in request.get("InputDataConfig") or []] or None,
        "OutputDataConfig": described_output(request["OutputDataConfig"]),
        "StoppingCondition": request.get("StoppingCondition") or DEFAULT_STOPPING_CONDITION,
        "EnableNetworkIsolation": False,
        "EnableInterContainerTrafficEncryption": bool(request.get("EnableInterContainerTrafficEncryption")),
        "EnableManagedSpotTraining": bool(request.get("EnableManagedSpotTraining")),
    }


def _state(context: Context, job: TrainingJob) -> dict[str, Any]:
    tuning_job = tuning_jobs.get(context.database, job.tuning_job_name) if job.tuning_job_name else None
    seconds = billable = None
    if job.started_at is not None and job.ended_at is not None and job.run_seconds is not None:
        seconds = max(1, math.ceil(job.ended_at - job.started_at))
        billable = max(1, math.ceil(job.run_seconds))  # without what lies between an interruption and the next start
    return {
        "TrainingJobName": job.name,
        "TrainingJobArn": job.arn,
        "TuningJobArn": tuning_job.arn if tuning_job else None,
        "ModelArtifacts": {"S3ModelArtifacts": model_artifacts_uri(job.name, job.request["OutputDataConfig"])},
        "TrainingJobStatus": job.status,
        "SecondaryStatus": job.secondary_status,
        "FailureReason": job.failure_reason,
        "CreationTime": job.created_at,
        "TrainingStartTime": job.started_at,
        "TrainingEndTime": job.ended_at,
        "LastModifiedTime": job.modified_at,
        "SecondaryStatusTransitions": [
            {
                "Status": transition.status,
                "StartTime": transition.started_at,
                **({} if transition.ended_at is None else {"EndTime": transition.ended_at}),
                "StatusMessage": transition.status_message,
            }
            for transition in secondary_transitions.all_of(context.database, job.name)
        ],
        "FinalMetricDataList": [
            {"MetricName": metric.name, "Value": metric.value, "Timestamp": metric.timestamp}
            for metric in job_metrics.finals_of(context.database, job.name)
            if metric.value is not None
        ]
        or None,
        "TrainingTimeInSeconds": seconds,
        "BillableTimeInSeconds": billable,
        "WarmPoolStatus": _warm_pool_status(warm_pools.get(context.database, job.name)),
    }


def described_channel(channel: Mapping[str, Any]) -> dict[str, Any]:
    """A channel with what AWS fills in."""
    source = {"S3DataDistributionType": "FullyReplicated", **channel["DataSource"]["S3DataSource"]}
    return {
        "CompressionType": "None",
        "RecordWrapperType": "None",
        **channel,
        "DataSource": {"S3DataSource": source},
    }


def described_output(output: Mapping[str, Any]) -> dict[str, Any]:
    """OutputDataConfig with what AWS fills in."""
    return {"KmsKeyId": "", "CompressionType": "GZIP", **output}
