"""TuningJobRequest -> CreateHyperParameterTuningJob."""

from collections.abc import Mapping
from typing import Any

from service.aws import resource_tags
from service.domain import hyperparameters
from service.domain.job_definition import Placement, script, surroundings
from service.domain.metric_definitions import metric_definitions
from service.schemas.ranges import CategoricalRange, ContinuousRange, IntegerRange
from service.schemas.tuning_job_request import TuningJobRequest


def create_tuning_job_request(
    name: str, request: TuningJobRequest, placement: Placement, own_tags: Mapping[str, str]
) -> dict[str, Any]:
    """CreateHyperParameterTuningJob's members."""
    return {
        "HyperParameterTuningJobName": name,
        "HyperParameterTuningJobConfig": tuning_job_config(request),
        "TrainingJobDefinition": {
            "StaticHyperParameters": {
                **hyperparameters.encode(request.static_hyperparameters),
                **script(request, placement, name),
            },
            "AlgorithmSpecification": {
                "TrainingImage": placement.image,
                "TrainingInputMode": "File",
                "MetricDefinitions": metric_definitions(),
            },
            **surroundings(request, placement),
        },
        "Tags": resource_tags.to_aws({**request.tags, **own_tags}),
    }


def tuning_job_config(request: TuningJobRequest) -> dict[str, Any]:
    """HyperParameterTuningJobConfig: strategy, objective, limits and ranges."""
    limits = {"MaxParallelTrainingJobs": request.max_parallel_jobs}
    if request.max_jobs is not None:
        limits["MaxNumberOfTrainingJobs"] = request.max_jobs
    config: dict[str, Any] = {
        "Strategy": request.strategy.value,
        "HyperParameterTuningJobObjective": {"Type": request.objective.type, "MetricName": request.objective.metric},
        "ResourceLimits": limits,
        "ParameterRanges": parameter_ranges(request.ranges),
        "TrainingJobEarlyStoppingType": "Auto" if request.early_stopping else "Off",
    }
    if request.hyperband is not None:
        config["StrategyConfig"] = {
            "HyperbandStrategyConfig": {
                "MinResource": request.hyperband.min_resource,
                "MaxResource": request.hyperband.max_resource,
            }
        }
    if request.random_seed is not None:
        config["RandomSeed"] = request.random_seed
    return config


def parameter_ranges(
    ranges: Mapping[str, ContinuousRange | IntegerRange | CategoricalRange],
) -> dict[str, list[dict[str, Any]]]:
    """ParameterRanges: numbers as plain text; categorical values as JSON, so that a script gets 64 as 64."""
    continuous: list[dict[str, Any]] = []
    integer: list[dict[str, Any]] = []
    categorical: list[dict[str, Any]] = []
    for name, searched in ranges.items():
        match searched:
            case CategoricalRange():
                values = [hyperparameters.encode_value(value) for value in searched.values]
                categorical.append({"Name": name, "Values": values})
            case ContinuousRange():
                continuous.append(_numeric(name, searched))
            case IntegerRange():
                integer.append(_numeric(name, searched))
    return {
        "ContinuousParameterRanges": continuous,
        "IntegerParameterRanges": integer,
        "CategoricalParameterRanges": categorical,
    }


def _numeric(name: str, searched: ContinuousRange | IntegerRange) -> dict[str, Any]:
    return {
        "Name": name,
        "MinValue": str(searched.min),
        "MaxValue": str(searched.max),
        "ScalingType": searched.scaling.value,
    }
