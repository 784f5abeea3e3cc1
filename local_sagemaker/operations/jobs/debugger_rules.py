"""What CreateTrainingJob refuses of Debugger, Profiler and TensorBoard."""

from collections.abc import Mapping
from typing import Any

from local_sagemaker.errors import ValidationException
from local_sagemaker.operations.coverage import Structure
from local_sagemaker.operations.request_values import check_local_path, check_uri, refuse_twice

_RULES_ELSEWHERE = {
    "LocalPath": "rules have no container of their own",
    "S3OutputPath": "rules are not evaluated",
    "RuleEvaluatorImage": "no image is run",
    "InstanceType": "rules have no instance of their own",
    "VolumeSizeInGB": "rules have no instance of their own",
    "RuleParameters": "rules are not evaluated",
}
NO_SYSTEM_METRICS = {"ProfilingIntervalInMilliseconds": "no system metrics are sampled"}
STRUCTURES = (
    Structure("DebugRuleConfiguration", ("RuleConfigurationName",), _RULES_ELSEWHERE),
    Structure("ProfilerRuleConfiguration", ("RuleConfigurationName",), _RULES_ELSEWHERE),
    Structure("ProfilerConfig", ("S3OutputPath", "ProfilingParameters", "DisableProfiler"), NO_SYSTEM_METRICS),
)


def check_debugger(members: Mapping[str, Any]) -> None:
    """DebugHookConfig, ProfilerConfig, their rules, and TensorBoardOutputConfig."""
    hook = members.get("DebugHookConfig")
    if hook:
        check_uri(hook["S3OutputPath"], "DebugHookConfig.S3OutputPath")
        check_local_path(hook, "DebugHookConfig")
    rules = members.get("DebugRuleConfigurations") or []
    refuse_twice("rule configuration", (rule["RuleConfigurationName"] for rule in rules))
    if rules and not hook:
        raise ValidationException("DebugHookConfig is required when DebugRuleConfigurations are given.")
    profiler = members.get("ProfilerConfig") or {}
    if profiler.get("S3OutputPath"):
        check_uri(profiler["S3OutputPath"], "ProfilerConfig.S3OutputPath")
    check_local_path(profiler.get("ProfilingParameters") or {}, "ProfilerConfig.ProfilingParameters")
    rules = members.get("ProfilerRuleConfigurations") or []
    refuse_twice("rule configuration", (rule["RuleConfigurationName"] for rule in rules))
    tensorboard = members.get("TensorBoardOutputConfig")
    if tensorboard:
        check_uri(tensorboard["S3OutputPath"], "TensorBoardOutputConfig.S3OutputPath")
        check_local_path(tensorboard, "TensorBoardOutputConfig")
