"""Debugger and Profiler in DescribeTrainingJob."""

from typing import Any

from local_sagemaker.store import rule_evaluations
from local_sagemaker.store.database import Database
from local_sagemaker.store.rule_evaluations import RuleEvaluation
from local_sagemaker.store.training_jobs import TrainingJob


def described_diagnostics(database: Database, job: TrainingJob) -> dict[str, Any]:
    """ProfilerConfig and the rules with what AWS fills in, how the rules stand, and ProfilingStatus."""
    profiler = job.request.get("ProfilerConfig") or {}
    profiled = bool(profiler.get("S3OutputPath")) and not profiler.get("DisableProfiler")
    described: dict[str, Any] = {"ProfilingStatus": "Enabled" if profiled else "Disabled"}
    if profiler:
        described["ProfilerConfig"] = {"ProfilingIntervalInMilliseconds": 500, "DisableProfiler": False, **profiler}
    statuses = rule_evaluations.of_job(database, job.name) if _has_rules(job) else []
    for kind in rule_evaluations.KINDS:
        if rules := rule_evaluations.configurations(job.request, kind):
            described[f"{kind}RuleConfigurations"] = [{"VolumeSizeInGB": 0, **rule} for rule in rules]
            described[f"{kind}RuleEvaluationStatuses"] = [_status(rule) for rule in statuses if rule.kind == kind]
    return described


def _has_rules(job: TrainingJob) -> bool:
    return any(rule_evaluations.configurations(job.request, kind) for kind in rule_evaluations.KINDS)


def _status(rule: RuleEvaluation) -> dict[str, Any]:
    return {
        "RuleConfigurationName": rule.name,
        "RuleEvaluationJobArn": rule.arn,
        "RuleEvaluationStatus": rule.status,
        "StatusDetails": rule.details or None,
        "LastModifiedTime": rule.modified_at,
    }
