"""TrainingJobRequest -> CreateTrainingJob."""

from collections.abc import Mapping
from typing import Any

from service.aws import resource_tags
from service.domain import debugger, hyperparameters, script_mode
from service.domain.job_definition import Placement, script, surroundings
from service.domain.metric_definitions import metric_definitions
from service.schemas.job import HyperparameterValue
from service.schemas.training_job_request import TrainingJobRequest


def create_training_job_request(
    name: str,
    request: TrainingJobRequest,
    placement: Placement,
    tuned: Mapping[str, HyperparameterValue],
    own_tags: Mapping[str, str],
) -> dict[str, Any]:
    """CreateTrainingJob's members. `tuned` hyperparameters yield to those that the request names."""
    return {
        "TrainingJobName": name,
        "HyperParameters": {
            **hyperparameters.encode({**tuned, **request.hyperparameters}),
            **script(request, placement, name),
        },
        "AlgorithmSpecification": {
            "TrainingImage": placement.image,
            "TrainingInputMode": "File",
            "MetricDefinitions": metric_definitions(),
            "EnableSageMakerMetricsTimeSeries": True,
        },
        **surroundings(request, placement),
        **_diagnostics(name, request, placement),
        "Tags": resource_tags.to_aws({**request.tags, **own_tags}),
    }


def _diagnostics(name: str, request: TrainingJobRequest, placement: Placement) -> dict[str, Any]:
    if not request.is_collected_by_script:
        return {**_debugger(name, request, placement), **_profiler(name, request, placement)}
    return {
        "ProfilerConfig": {"DisableProfiler": True},
        "Environment": script_mode.environment(name, request),
        "CheckpointConfig": {"S3Uri": request.checkpoint_s3_uri or f"{placement.checkpoints_s3_uri}/{name}"},
    }


def _debugger(name: str, request: TrainingJobRequest, placement: Placement) -> dict[str, Any]:
    if request.debugger is None:
        return {}
    members: dict[str, Any] = {"DebugHookConfig": debugger.debug_hook_config(request.debugger, placement.output_s3_uri)}
    if request.debugger.rules:
        rules = debugger.rule_configurations(request.debugger.rules, name, placement.rule_images)
        members["DebugRuleConfigurations"] = rules
    return members


def _profiler(name: str, request: TrainingJobRequest, placement: Placement) -> dict[str, Any]:
    if request.profiler is None:
        return {"ProfilerConfig": {"DisableProfiler": True}}  # AWS profiles unless it is told not to
    members: dict[str, Any] = {"ProfilerConfig": debugger.profiler_config(request.profiler, placement.output_s3_uri)}
    if request.profiler.rules:
        rules = debugger.rule_configurations(request.profiler.rules, name, placement.rule_images)
        members["ProfilerRuleConfigurations"] = rules
    return members
