"""How tuning jobs and their training jobs are shown."""

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

from local_sagemaker import clock
from local_sagemaker.engine.tuning import results
from local_sagemaker.engine.tuning.completion import progress
from local_sagemaker.engine.tuning.definition import definitions, place_of
from local_sagemaker.engine.tuning.search_space import KINDS
from local_sagemaker.operations.jobs.training_jobs import described_channel, described_output
from local_sagemaker.runtime.training.hyperparameters import TUNING_OBJECTIVE
from local_sagemaker.store.tuning_children import Child
from local_sagemaker.store.tuning_jobs import TuningJob


def described(job: TuningJob, children: Sequence[Child]) -> dict[str, Any]:
    """DescribeHyperParameterTuningJob's members."""
    config = job.request["HyperParameterTuningJobConfig"]
    maximize = definitions(job.request)[0].maximize
    best = results.best(children, maximize=maximize)
    so_far = progress([child for child in children if child.status in results.ENDED], config, maximize=maximize)
    return {
        "HyperParameterTuningJobName": job.name,
        "HyperParameterTuningJobArn": job.arn,
        "HyperParameterTuningJobConfig": _config(job.request),
        **_definitions(job.request),
        "HyperParameterTuningJobStatus": job.status,
        "FailureReason": job.failure_reason,
        "CreationTime": job.created_at,
        "HyperParameterTuningEndTime": job.ended_at,
        "LastModifiedTime": max([job.modified_at, *(child.modified_at for child in children)]),
        "TrainingJobStatusCounters": results.status_counters(children),
        "ObjectiveStatusCounters": results.objective_counters(children),
        "BestTrainingJob": None if best is None else child_summary(job, best),
        "WarmStartConfig": job.request.get("WarmStartConfig"),
        "TuningJobCompletionDetails": {
            "NumberOfTrainingJobsObjectiveNotImproving": so_far.not_improving,
            **({} if so_far.converged_at is None else {"ConvergenceDetectedTime": so_far.converged_at}),
        },
        "ConsumedResources": {"RuntimeInSeconds": int((job.ended_at or clock.now()) - job.created_at)},
    }


def summary(row: sqlite3.Row, request: Mapping[str, Any], children: Sequence[Child]) -> dict[str, Any]:
    """One of HyperParameterTuningJobSummaries, of a row of tuning_jobs."""
    config = request["HyperParameterTuningJobConfig"]
    return {
        "HyperParameterTuningJobName": row["name"],
        "HyperParameterTuningJobArn": row["arn"],
        "HyperParameterTuningJobStatus": row["status"],
        "Strategy": config["Strategy"],
        "CreationTime": row["created_at"],
        "HyperParameterTuningEndTime": row["ended_at"],
        "LastModifiedTime": row["modified_at"],
        "TrainingJobStatusCounters": results.status_counters(children),
        "ObjectiveStatusCounters": results.objective_counters(children),
        "ResourceLimits": config["ResourceLimits"],
    }


def child_summary(job: TuningJob, child: Child) -> dict[str, Any]:
    """HyperParameterTrainingJobSummary."""
    strategy = job.request["HyperParameterTuningJobConfig"]["Strategy"]
    definition = place_of(child.number, definitions(job.request), strategy).definition
    metric = {
        "Type": "Maximize" if definition.maximize else "Minimize",
        "MetricName": definition.metric,
        "Value": child.objective,
    }
    return {
        "TrainingJobDefinitionName": definition.name,
        "TrainingJobName": child.name,
        "TrainingJobArn": child.arn,
        "CreationTime": child.created_at,
        "TrainingStartTime": child.started_at,
        "TrainingEndTime": child.ended_at,
        "TrainingJobStatus": child.status,
        "TunedHyperParameters": child.values,
        "FailureReason": child.failure_reason,
        "FinalHyperParameterTuningJobObjectiveMetric": None if child.objective is None else metric,
        "ObjectiveStatus": results.objective_status(child),
    }


def _config(request: Mapping[str, Any]) -> dict[str, Any]:
    config = {"TrainingJobEarlyStoppingType": "Off", **request["HyperParameterTuningJobConfig"]}
    if not request.get("TrainingJobDefinitions"):
        ranges = config["ParameterRanges"]
        config["ParameterRanges"] = {kind: ranges.get(kind) or [] for kind in KINDS}
    return config


def _definitions(request: Mapping[str, Any]) -> dict[str, Any]:
    shown = [_definition(definition.members, definition.metric) for definition in definitions(request)]
    if request.get("TrainingJobDefinitions"):
        return {"TrainingJobDefinitions": shown}
    for name in ("TuningObjective", "HyperParameterRanges"):
        del shown[0][name]
    return {"TrainingJobDefinition": shown[0]}


def _definition(members: Mapping[str, Any], metric: str) -> dict[str, Any]:
    channels = [described_channel(channel) for channel in members.get("InputDataConfig") or []]
    return {
        # The SDK asks with HyperParameterTuningResourceConfig, and reads ResourceConfig.
        "ResourceConfig": members.get("HyperParameterTuningResourceConfig"),
        **members,
        "StaticHyperParameters": {TUNING_OBJECTIVE: metric, **(members.get("StaticHyperParameters") or {})},
        "InputDataConfig": channels or None,
        "OutputDataConfig": described_output(members["OutputDataConfig"]),
        "EnableNetworkIsolation": False,
        "EnableInterContainerTrafficEncryption": bool(members.get("EnableInterContainerTrafficEncryption")),
        "EnableManagedSpotTraining": bool(members.get("EnableManagedSpotTraining")),
    }
