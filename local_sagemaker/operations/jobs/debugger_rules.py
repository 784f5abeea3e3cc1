"""What CreateTrainingJob refuses of Debugger, Profiler and TensorBoard."""

from collections.abc import Mapping
from typing import Any

from local_sagemaker.errors import ValidationException
from local_sagemaker.operations.coverage import Structure
from local_sagemaker.operations.jobs.rule_configuration_rules import check_debugger_rules, check_profiler_rules
from local_sagemaker.operations.request_values import check_local_path, check_uri, refuse_twice

INTERVALS_MS = (100, 200, 500, 1000, 5000, 60_000)

_RULE = ("RuleConfigurationName", "S3OutputPath", "RuleParameters")
_RULES_ELSEWHERE = {
    "LocalPath": "rules have no container of their own",
    "RuleEvaluatorImage": "no image is run: the evaluator is a process beside the job",
    "InstanceType": "rules have no instance of their own",
    "VolumeSizeInGB": "rules have no instance of their own",
}
PROFILER = ("S3OutputPath", "ProfilingIntervalInMilliseconds", "ProfilingParameters", "DisableProfiler")
STRUCTURES = (
    Structure("DebugRuleConfiguration", _RULE, _RULES_ELSEWHERE),
    Structure("ProfilerRuleConfiguration", _RULE, _RULES_ELSEWHERE),
    Structure("ProfilerConfig", PROFILER),
)


def check_debugger(members: Mapping[str, Any]) -> None:
    """DebugHookConfig, ProfilerConfig, their rules, and TensorBoardOutputConfig."""
    _check_hook(members.get("DebugHookConfig") or {})
    rules = members.get("DebugRuleConfigurations") or []
    if rules and not members.get("DebugHookConfig"):
        raise ValidationException("DebugHookConfig is required when DebugRuleConfigurations are given.")
    check_debugger_rules(rules)
    profiler = members.get("ProfilerConfig") or {}
    check_profiler(profiler)
    check_profiler_rules(members.get("ProfilerRuleConfigurations") or [], profiler)
    tensorboard = members.get("TensorBoardOutputConfig")
    if tensorboard:
        check_uri(tensorboard["S3OutputPath"], "TensorBoardOutputConfig.S3OutputPath")
        check_local_path(tensorboard, "TensorBoardOutputConfig")


def check_profiler(profiler: Mapping[str, Any]) -> None:
    """ProfilerConfig."""
    if profiler.get("S3OutputPath"):
        check_uri(profiler["S3OutputPath"], "ProfilerConfig.S3OutputPath")
    elif profiler and not profiler.get("DisableProfiler"):
        raise ValidationException("ProfilerConfig.S3OutputPath is required, unless DisableProfiler is true.")
    interval = profiler.get("ProfilingIntervalInMilliseconds")
    if interval is not None and interval not in INTERVALS_MS:
        raise ValidationException(
            f"ProfilerConfig.ProfilingIntervalInMilliseconds is {interval}. It must be one of"
            f" {', '.join(map(str, INTERVALS_MS))}."
        )
    check_local_path(profiler.get("ProfilingParameters") or {}, "ProfilerConfig.ProfilingParameters")


def _check_hook(hook: Mapping[str, Any]) -> None:
    if hook:
        check_uri(hook["S3OutputPath"], "DebugHookConfig.S3OutputPath")
        check_local_path(hook, "DebugHookConfig")
        collections = hook.get("CollectionConfigurations") or []
        refuse_twice("collection", (name for each in collections if (name := each.get("CollectionName"))))
