"""DescribeTrainingJob -> what the process that judges jobs has to know: files, rules, facts."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from service.domain import script_mode
from service.domain.debugger import named_rules
from service.evaluation.subject import Subject
from service.schemas.debugger import DEFAULT_DEBUGGER_RULES, DEFAULT_PROFILER_RULES
from service.schemas.job import TrainingJobStatus

Members = Mapping[str, Any]


def subject(job: Members) -> Subject:
    """The job as it is judged. A job without rules of its own has the service's default ones."""
    name = job["TrainingJobName"]
    config = script_mode.read(job.get("Environment", {}))
    tensors, profile = _of_script(job, config) if config is not None else _of_sagemaker(job)
    debug_rules = job.get("DebugRuleConfigurations") or (config or {}).get("rules") or []
    profiler_rules = job.get("ProfilerRuleConfigurations") or (config or {}).get("profiler_rules") or []
    resources = job.get("ResourceConfig", {})
    groups = resources.get("InstanceGroups") or [{}]
    over = TrainingJobStatus(job["TrainingJobStatus"]).is_over
    return Subject(
        name=name,
        created_at=job["CreationTime"].timestamp(),
        status=job["TrainingJobStatus"],
        over=over,
        instance_type=resources.get("InstanceType") or groups[0].get("InstanceType", ""),
        instance_count=resources.get("InstanceCount") or sum(group.get("InstanceCount", 0) for group in groups) or 1,
        started_at=_seconds(job.get("TrainingStartTime")),
        ended_at=_seconds(job.get("TrainingEndTime") or job.get("LastModifiedTime") or job["CreationTime"])
        if over
        else None,
        hyperparameters=dict(job.get("HyperParameters", {})),
        tensors=tensors,
        profile=profile,
        debug_rules=[
            _rule(rule) for rule in debug_rules or named_rules(DEFAULT_DEBUGGER_RULES, name) if not is_custom(rule)
        ],
        profiler_rules=[_rule(rule) for rule in profiler_rules or named_rules(DEFAULT_PROFILER_RULES, name)],
    )


def is_custom(rule: Members) -> bool:
    """Whether the rule is a user's own code: it is evaluated beside the job, never in the service."""
    return "source_s3_uri" in rule.get("RuleParameters", {})


def _of_sagemaker(job: Members) -> tuple[str | None, str | None]:
    """debug-output and profiler-output, where SageMaker puts them."""
    name = job["TrainingJobName"]
    hook, profiler = job.get("DebugHookConfig"), job.get("ProfilerConfig", {})
    # A profiler that was switched off while the job ran has left files under its path.
    measured = profiler.get("S3OutputPath")
    if measured is None and not profiler.get("DisableProfiler"):
        measured = job.get("OutputDataConfig", {}).get("S3OutputPath")
    return (
        f"{hook['S3OutputPath'].rstrip('/')}/{name}/debug-output" if hook else None,
        f"{measured.rstrip('/')}/{name}/profiler-output" if measured else None,
    )


def _of_script(job: Members, config: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """The same beside the checkpoints."""
    checkpoints = job.get("CheckpointConfig", {}).get("S3Uri")
    if checkpoints is None:
        return None, None
    folder = f"{checkpoints.rstrip('/')}/{config.get('folder', 'diagnostics')}"
    return (
        f"{folder}/debug-output" if "hook" in config else None,
        f"{folder}/profiler-output" if "interval_ms" in config else None,
    )


def _rule(rule: Members) -> dict[str, Any]:
    return {
        "RuleConfigurationName": rule["RuleConfigurationName"],
        "RuleParameters": dict(rule.get("RuleParameters", {})),
    }


def _seconds(time: datetime | None) -> float | None:
    return None if time is None else time.timestamp()
