"""Debugger and Profiler of a CreateTrainingJob request."""

from collections.abc import Sequence
from typing import Any

from service.schemas.debugger import Collection, Debugger, DebuggerRule, Profiler, ProfilerRule


def debug_hook_config(debugger: Debugger, output_s3_uri: str) -> dict[str, Any]:
    """DebugHookConfig: where tensors go, and how often which are saved."""
    return {
        "S3OutputPath": output_s3_uri,
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


def rule_configurations(rules: Sequence[DebuggerRule | ProfilerRule], image: str) -> list[dict[str, Any]]:
    """DebugRuleConfigurations or ProfilerRuleConfigurations. A rule that stands there twice gets a number."""
    names: list[str] = []
    for rule in rules:
        earlier = sum(1 for other in rules[: len(names)] if other.name == rule.name)
        names.append(f"{rule.name}-{earlier + 1}" if earlier else rule.name)
    return [
        {
            "RuleConfigurationName": name,
            "RuleEvaluatorImage": image,
            "RuleParameters": {
                **{key: _text(value) for key, value in rule.parameters.items()},
                "rule_to_invoke": rule.name,
            },
        }
        for name, rule in zip(names, rules, strict=True)
    ]


def _collection(collection: Collection) -> dict[str, Any]:
    parameters = {
        "include_regex": collection.include_regex,
        "save_interval": collection.save_interval,
        "train.save_interval": collection.train_save_interval,
        "eval.save_interval": collection.eval_save_interval,
    }
    return {
        "CollectionName": collection.name,
        "CollectionParameters": {key: _text(value) for key, value in parameters.items() if value is not None},
    }


def _text(value: object) -> str:
    return str(value)  # the rules read Python's own spelling: True, 1e-07
