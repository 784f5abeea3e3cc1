"""DescribeHyperParameterTuningJob and its lists -> the schemas."""

from collections.abc import Mapping
from typing import Any

from service.domain import hyperparameters
from service.domain.job_definition import described_surroundings
from service.domain.training_job_answer import in_utc, metric, time_of
from service.schemas import tags as tag_lists
from service.schemas.tuning_job import (
    DescribedObjective,
    DescribedRange,
    ObjectiveCounters,
    TrainingJobCounters,
    Trial,
    TuningJob,
    TuningJobSummary,
)


def tuning_job(members: Mapping[str, Any], tags: Mapping[str, str]) -> TuningJob:
    """The job that DescribeHyperParameterTuningJob answered, with its tags."""
    name = members["HyperParameterTuningJobName"]
    config = members.get("HyperParameterTuningJobConfig", {})
    definition = _definition(members)
    texts = definition.get("StaticHyperParameters", {})
    objective = config.get("HyperParameterTuningJobObjective")
    created_at, ended_at = in_utc(members["CreationTime"]), time_of(members, "HyperParameterTuningEndTime")
    best = members.get("BestTrainingJob")
    return TuningJob(
        name=name,
        arn=members["HyperParameterTuningJobArn"],
        status=members["HyperParameterTuningJobStatus"],
        failure_reason=members.get("FailureReason") or None,
        strategy=config["Strategy"],
        objective=DescribedObjective(metric=objective["MetricName"], type=objective["Type"]) if objective else None,
        ranges=described_ranges(config.get("ParameterRanges", {})),
        static_hyperparameters=hyperparameters.decode(texts),
        max_jobs=config.get("ResourceLimits", {}).get("MaxNumberOfTrainingJobs"),
        max_parallel_jobs=config.get("ResourceLimits", {}).get("MaxParallelTrainingJobs"),
        random_seed=config.get("RandomSeed"),
        early_stopping=config.get("TrainingJobEarlyStoppingType") == "Auto",
        training_job_counters=_training_job_counters(members),
        objective_counters=_objective_counters(members),
        best_training_job=trial(best) if best else None,
        entry_point=hyperparameters.text_of(texts, "sagemaker_program"),
        source_s3_uri=hyperparameters.text_of(texts, "sagemaker_submit_directory"),
        created_at=created_at,
        ended_at=ended_at,
        modified_at=time_of(members, "LastModifiedTime"),
        duration_seconds=(ended_at - created_at).total_seconds() if ended_at else None,
        tags=tag_lists.of_user(tags),
        training_jobs_url=f"/jobs/tuning/{name}/training-jobs",
        report_url=f"/jobs/tuning/{name}/report",
        **described_surroundings(definition),
    )


def tuning_job_summary(members: Mapping[str, Any]) -> TuningJobSummary:
    """One item of ListHyperParameterTuningJobs."""
    return TuningJobSummary(
        name=members["HyperParameterTuningJobName"],
        arn=members["HyperParameterTuningJobArn"],
        status=members["HyperParameterTuningJobStatus"],
        strategy=members.get("Strategy"),
        created_at=in_utc(members["CreationTime"]),
        ended_at=time_of(members, "HyperParameterTuningEndTime"),
        modified_at=time_of(members, "LastModifiedTime"),
        training_job_counters=_training_job_counters(members),
        objective_counters=_objective_counters(members),
    )


def trial(members: Mapping[str, Any]) -> Trial:
    """One item of ListTrainingJobsForHyperParameterTuningJob, or a BestTrainingJob."""
    name = members["TrainingJobName"]
    started_at, ended_at = time_of(members, "TrainingStartTime"), time_of(members, "TrainingEndTime")
    objective = members.get("FinalHyperParameterTuningJobObjectiveMetric")
    return Trial(
        name=name,
        arn=members["TrainingJobArn"],
        status=members["TrainingJobStatus"],
        hyperparameters=hyperparameters.decode(members.get("TunedHyperParameters", {})),
        objective=metric(objective) if objective else None,
        objective_status=members.get("ObjectiveStatus"),
        failure_reason=members.get("FailureReason") or None,
        created_at=in_utc(members["CreationTime"]),
        training_started_at=started_at,
        training_ended_at=ended_at,
        duration_seconds=(ended_at - started_at).total_seconds() if started_at and ended_at else None,
        training_job_url=f"/jobs/training/{name}",
    )


def described_ranges(ranges: Mapping[str, Any]) -> dict[str, DescribedRange]:
    """ParameterRanges under our names, whoever made them."""
    found: dict[str, DescribedRange] = {}
    for kind in ("continuous", "integer"):
        for searched in ranges.get(f"{kind.capitalize()}ParameterRanges", []):
            found[searched["Name"]] = DescribedRange(
                type=kind,
                min=float(searched["MinValue"]) if kind == "continuous" else int(searched["MinValue"]),
                max=float(searched["MaxValue"]) if kind == "continuous" else int(searched["MaxValue"]),
                scaling=searched.get("ScalingType"),
            )
    for searched in ranges.get("CategoricalParameterRanges", []):
        values = [hyperparameters.decode_value(text) for text in searched["Values"]]
        found[searched["Name"]] = DescribedRange(type="categorical", values=values)
    return dict(sorted(found.items()))


def _definition(members: Mapping[str, Any]) -> Mapping[str, Any]:
    """The one definition, or the first of several: this service makes one, the SDK can make more."""
    definition: Mapping[str, Any] | None = members.get("TrainingJobDefinition")
    return definition or next(iter(members.get("TrainingJobDefinitions", [])), {})


def _training_job_counters(members: Mapping[str, Any]) -> TrainingJobCounters:
    counters = members.get("TrainingJobStatusCounters", {})
    return TrainingJobCounters(
        completed=counters.get("Completed", 0),
        in_progress=counters.get("InProgress", 0),
        retryable_error=counters.get("RetryableError", 0),
        non_retryable_error=counters.get("NonRetryableError", 0),
        stopped=counters.get("Stopped", 0),
    )


def _objective_counters(members: Mapping[str, Any]) -> ObjectiveCounters:
    counters = members.get("ObjectiveStatusCounters", {})
    return ObjectiveCounters(
        succeeded=counters.get("Succeeded", 0), pending=counters.get("Pending", 0), failed=counters.get("Failed", 0)
    )
