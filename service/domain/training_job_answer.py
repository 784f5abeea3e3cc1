"""DescribeTrainingJob and ListTrainingJobs -> the schemas."""

import math
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from service.domain import hyperparameters, script_mode
from service.domain.job_definition import described_surroundings
from service.schemas import tags as tag_lists
from service.schemas.job import Metric, TrainingJobStatus
from service.schemas.tags import TUNING_JOB_TAG
from service.schemas.training_job import RuleStatus, SecondaryTransition, TrainingJob, TrainingJobSummary
from service.schemas.training_job_request import Collector


def training_job(members: Mapping[str, Any], tags: Mapping[str, str]) -> TrainingJob:
    """The job that DescribeTrainingJob answered, with its tags."""
    texts = members.get("HyperParameters", {})
    name = members["TrainingJobName"]
    tuning_job_arn = members.get("TuningJobArn")
    environment = members.get("Environment", {})
    return TrainingJob(
        name=name,
        arn=members["TrainingJobArn"],
        status=members["TrainingJobStatus"],
        secondary_status=members["SecondaryStatus"],
        transitions=[_transition(step) for step in members.get("SecondaryStatusTransitions", [])],
        failure_reason=members.get("FailureReason") or None,
        hyperparameters=hyperparameters.decode(texts),
        entry_point=hyperparameters.text_of(texts, "sagemaker_program"),
        source_s3_uri=hyperparameters.text_of(texts, "sagemaker_submit_directory"),
        created_at=in_utc(members["CreationTime"]),
        training_started_at=time_of(members, "TrainingStartTime"),
        training_ended_at=time_of(members, "TrainingEndTime"),
        modified_at=time_of(members, "LastModifiedTime"),
        training_seconds=members.get("TrainingTimeInSeconds"),
        billable_seconds=members.get("BillableTimeInSeconds"),
        model_artifact_s3_uri=_model_artifact(members),
        output_s3_uri=members.get("OutputDataConfig", {}).get("S3OutputPath"),
        final_metrics=[metric(data) for data in members.get("FinalMetricDataList", [])],
        debugger_rules=_rules(members.get("DebugRuleEvaluationStatuses", [])),
        profiler_rules=_rules(members.get("ProfilerRuleEvaluationStatuses", [])),
        profiling_status=members.get("ProfilingStatus"),
        tuning_job=tuning_job_arn.rpartition("/")[2] if tuning_job_arn else None,
        from_tuning_job=tags.get(TUNING_JOB_TAG),
        tags=tag_lists.of_user(tags),
        collected_by=Collector.SAGEMAKER if script_mode.read(environment) is None else Collector.SCRIPT,
        logs_url=f"/jobs/training/{name}/logs",
        metrics_url=f"/jobs/training/{name}/metrics",
        events_url=f"/jobs/training/{name}/events",
        debugger_url=f"/jobs/training/{name}/debugger",
        profiler_url=f"/jobs/training/{name}/profiler",
        report_url=f"/jobs/training/{name}/report",
        **{**described_surroundings(members), "environment": script_mode.without_own(environment)},
    )


def training_job_summary(members: Mapping[str, Any]) -> TrainingJobSummary:
    """One item of ListTrainingJobs."""
    return TrainingJobSummary(
        name=members["TrainingJobName"],
        arn=members["TrainingJobArn"],
        status=members["TrainingJobStatus"],
        secondary_status=members.get("SecondaryStatus"),
        created_at=in_utc(members["CreationTime"]),
        ended_at=time_of(members, "TrainingEndTime"),
        modified_at=time_of(members, "LastModifiedTime"),
    )


def metric(data: Mapping[str, Any]) -> Metric:
    """A MetricData or FinalHyperParameterTuningJobObjectiveMetric."""
    return Metric(name=data["MetricName"], value=number(data["Value"]), timestamp=time_of(data, "Timestamp"))


def number(value: float) -> float | None:
    """JSON has no nan and no inf: null stands for them."""
    return value if math.isfinite(value) else None


def in_utc(time: datetime) -> datetime:
    """The same moment, written in UTC."""
    return time.astimezone(UTC)


def time_of(members: Mapping[str, Any], name: str) -> datetime | None:
    """A time that may not be there yet."""
    time = members.get(name)
    return None if time is None else in_utc(time)


def _model_artifact(members: Mapping[str, Any]) -> str | None:
    """Where model.tar.gz lies: SageMaker names the place before there is anything, and when nothing came of it."""
    if members["TrainingJobStatus"] not in {TrainingJobStatus.COMPLETED, TrainingJobStatus.STOPPED}:
        return None
    return members.get("ModelArtifacts", {}).get("S3ModelArtifacts") or None


def _transition(step: Mapping[str, Any]) -> SecondaryTransition:
    return SecondaryTransition(
        status=step["Status"],
        message=step.get("StatusMessage") or None,
        started_at=in_utc(step["StartTime"]),
        ended_at=time_of(step, "EndTime"),
    )


def _rules(statuses: Iterable[Mapping[str, Any]]) -> list[RuleStatus]:
    return [
        RuleStatus(
            name=status.get("RuleConfigurationName", ""),
            status=status.get("RuleEvaluationStatus"),
            details=(status.get("StatusDetails") or "").strip() or None,
            evaluation_job_arn=status.get("RuleEvaluationJobArn"),
            modified_at=time_of(status, "LastModifiedTime"),
        )
        for status in statuses
    ]
