"""Debugger and Profiler of a CreateTrainingJob request."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from service.schemas.debugger import Collection, CustomRule, Debugger, DebuggerRule, Profiler, ProfilerRule

CUSTOM_RULE_INSTANCE = "ml.t3.medium"
CUSTOM_RULE_VOLUME_GB = 30


@dataclass(frozen=True)
class RuleImages:
    """The images that evaluate rules, asked for by the jobs that have such rules only."""

    built_in: Callable[[], str]
    custom: Callable[[], str]


def debug_hook_config(debugger: Debugger, output_s3_uri: str) -> dict[str, Any]:
    """DebugHookConfig: where tensors go, and how often which are saved."""
    return {"S3OutputPath": output_s3_uri, **hook(debugger)}


def hook(debugger: Debugger) -> dict[str, Any]:
    """How often which tensors are saved: HookParameters and CollectionConfigurations."""
    return {
        "HookParameters": {
            "train.save_interval": str(debugger.train_save_interval),
            "eval.save_interval": str(debugger.eval_save_interval),
        },
        "CollectionConfigurations": [_collection(collection) for collection in debugger.collections],
    }


def profiler_config(profiler: Profiler, output_s3_uri: str) -> dict[str, Any]:
    """ProfilerConfig: where system metrics go, and how often they are taken."""
    return {
        "S3OutputPath": output_s3_uri,
        "ProfilingIntervalInMilliseconds": profiler.interval_ms,
        "DisableProfiler": False,
    }


def rule_configurations(
    rules: Sequence[DebuggerRule | ProfilerRule], job_name: str, images: RuleImages
) -> list[dict[str, Any]]:
    """DebugRuleConfigurations or ProfilerRuleConfigurations of a job."""
    return [
        configuration | _evaluator(rule, images)
        for configuration, rule in zip(named_rules(rules, job_name), rules, strict=True)
    ]


def named_rules(rules: Sequence[DebuggerRule | ProfilerRule], job_name: str) -> list[dict[str, Any]]:
    """RuleConfigurationName and RuleParameters. A rule that stands there twice gets a number."""
    found: list[dict[str, Any]] = []
    for index, rule in enumerate(rules):
        earlier = sum(1 for other in rules[:index] if other.name == rule.name)
        name = f"{rule.name}-{earlier + 1}" if earlier else rule.name
        found.append({"RuleConfigurationName": name, "RuleParameters": _rule_parameters(rule, job_name)})
    return found


def _rule_parameters(rule: DebuggerRule | ProfilerRule, job_name: str) -> dict[str, str]:
    parameters = {key: _text(value) for key, value in rule.parameters.items()}
    if isinstance(rule, DebuggerRule) and rule.actions:
        parameters["action_json"] = _action_json(rule.actions, job_name)
    if isinstance(rule, CustomRule):
        parameters["source_s3_uri"] = rule.source_s3_uri
    return {**parameters, "rule_to_invoke": rule.name}


def _evaluator(rule: DebuggerRule | ProfilerRule, images: RuleImages) -> dict[str, Any]:
    """The image; AWS wants an instance beside it for a custom rule, and none for its own rules."""
    if not isinstance(rule, CustomRule):
        return {"RuleEvaluatorImage": images.built_in()}
    return {
        "RuleEvaluatorImage": images.custom(),
        "InstanceType": CUSTOM_RULE_INSTANCE,
        "VolumeSizeInGB": CUSTOM_RULE_VOLUME_GB,
    }


def _action_json(actions: Sequence[str], job_name: str) -> str:
    """As the SDK sends it: SageMaker's evaluator reads it from a command line, so the quotes are escaped."""
    plain = json.dumps([{"name": action.lower(), "training_job_prefix": job_name} for action in actions])
    return plain.replace('"', '\\"')


def _collection(collection: Collection) -> dict[str, Any]:
    parameters = {
        "include_regex": collection.include_regex,
        "reductions": ",".join(collection.reductions) if collection.reductions else None,
        "save_interval": collection.save_interval,
        "train.save_interval": collection.train_save_interval,
        "eval.save_interval": collection.eval_save_interval,
        "end_step": collection.end_step,
    }
    return {
        "CollectionName": collection.name,
        "CollectionParameters": {key: _text(value) for key, value in parameters.items() if value is not None},
    }


def _text(value: object) -> str:
    return str(value)  # the rules read Python's own spelling: True, 1e-07
