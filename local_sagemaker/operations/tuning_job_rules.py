"""What CreateHyperParameterTuningJob refuses beyond the shapes: AWS's own rules, and what local_sagemaker cannot do."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from local_sagemaker.errors import ValidationException
from local_sagemaker.operations import training_job_rules as rules
from local_sagemaker.operations.unsupported import refuse, refuse_given, refuse_other

MAX_HYPERPARAMETERS = 30
MAX_VALUES = 30
MAX_VALUE_CHARACTERS = 256
MAX_PARALLEL = 100
MAX_JOBS = {"Bayesian": 750, "Random": 10_000}
RANGES = ("IntegerParameterRanges", "ContinuousParameterRanges", "CategoricalParameterRanges")

UNSUPPORTED_DEFINITION = {
    "DefinitionName": "it belongs to TrainingJobDefinitions; leave it out",
    "TuningObjective": "use HyperParameterTuningJobConfig.HyperParameterTuningJobObjective",
    "HyperParameterRanges": "use HyperParameterTuningJobConfig.ParameterRanges",
    **{name: hint for name, hint in rules.UNSUPPORTED.items() if name != "TensorBoardOutputConfig"},
}
SUPPORTED_DEFINITION = (
    "StaticHyperParameters",
    "AlgorithmSpecification",
    "RoleArn",
    "InputDataConfig",
    "OutputDataConfig",
    "ResourceConfig",
    "HyperParameterTuningResourceConfig",
    "StoppingCondition",
    "EnableInterContainerTrafficEncryption",
    "CheckpointConfig",
    "Environment",
)


def check_tuning_job(members: Mapping[str, Any]) -> None:
    """Raise ValidationException for the first rule that CreateHyperParameterTuningJob's members break."""
    refuse_given(
        members,
        {
            "TrainingJobDefinitions": "use one TrainingJobDefinition",
            "WarmStartConfig": "warm start is not there yet; leave it out",
            "Autotune": "give ParameterRanges",
        },
    )
    definition = members.get("TrainingJobDefinition")
    if not definition:
        raise ValidationException("TrainingJobDefinition is required.")
    config = members["HyperParameterTuningJobConfig"]
    _check_config(config)
    _check_definition(definition)
    _check_limits(config)
    _check_objective(config, definition)
    _check_ranges(config.get("ParameterRanges") or {}, definition.get("StaticHyperParameters") or {})


def _check_config(config: Mapping[str, Any]) -> None:
    if config["Strategy"] not in MAX_JOBS:
        refuse(f"Strategy {config['Strategy']}", "use Bayesian or Random")
    if config.get("TrainingJobEarlyStoppingType", "Off") != "Off":
        refuse(f"TrainingJobEarlyStoppingType {config['TrainingJobEarlyStoppingType']}", "use Off")
    where = "HyperParameterTuningJobConfig."
    refuse_given(
        config,
        {
            "StrategyConfig": "it belongs to Hyperband; leave it out",
            "TuningJobCompletionCriteria": "use ResourceLimits",
        },
        where,
    )
    refuse_given(
        config.get("ParameterRanges") or {},
        {"AutoParameters": "give the ranges themselves"},
        f"{where}ParameterRanges.",
    )


def _check_definition(definition: Mapping[str, Any]) -> None:
    where = "TrainingJobDefinition."
    refuse_given(definition, UNSUPPORTED_DEFINITION, where)
    refuse_other(definition, {*SUPPORTED_DEFINITION, *UNSUPPORTED_DEFINITION}, where)
    rules.check_algorithm(definition["AlgorithmSpecification"])
    named = [name for name in ("ResourceConfig", "HyperParameterTuningResourceConfig") if definition.get(name)]
    if len(named) != 1:
        raise ValidationException(
            "TrainingJobDefinition needs exactly one of ResourceConfig and HyperParameterTuningResourceConfig."
        )
    rules.check_resources(definition[named[0]], named[0])
    rules.check_channels(definition.get("InputDataConfig") or [])
    rules.check_output(definition["OutputDataConfig"])
    rules.check_stopping_condition(definition["StoppingCondition"])
    rules.check_script(definition.get("StaticHyperParameters") or {}, "StaticHyperParameters")
    rules.check_checkpoints(definition.get("CheckpointConfig") or {})


def _check_limits(config: Mapping[str, Any]) -> None:
    limits, strategy = config["ResourceLimits"], config["Strategy"]
    jobs, parallel = limits.get("MaxNumberOfTrainingJobs"), limits["MaxParallelTrainingJobs"]
    if not jobs:
        raise ValidationException(f"ResourceLimits.MaxNumberOfTrainingJobs is required for the {strategy} strategy.")
    if jobs > MAX_JOBS[strategy]:
        raise ValidationException(
            f"ResourceLimits.MaxNumberOfTrainingJobs takes at most {MAX_JOBS[strategy]} for the {strategy} strategy."
        )
    if not 1 <= parallel <= MAX_PARALLEL:
        raise ValidationException(f"ResourceLimits.MaxParallelTrainingJobs must be between 1 and {MAX_PARALLEL}.")
    if parallel > jobs:
        raise ValidationException(
            f"MaxParallelTrainingJobs ({parallel}) must not be greater than MaxNumberOfTrainingJobs ({jobs})."
        )


def _check_objective(config: Mapping[str, Any], definition: Mapping[str, Any]) -> None:
    objective = config.get("HyperParameterTuningJobObjective")
    if not objective:
        raise ValidationException("HyperParameterTuningJobConfig.HyperParameterTuningJobObjective is required.")
    defined = [metric["Name"] for metric in definition["AlgorithmSpecification"].get("MetricDefinitions") or []]
    if objective["MetricName"] not in defined:
        raise ValidationException(
            f"The objective metric {objective['MetricName']!r} must be one of the metric definitions of the training"
            f" job: {', '.join(defined) or 'there are none'}."
        )


def _check_ranges(ranges: Mapping[str, Sequence[Mapping[str, Any]]], static: Mapping[str, str]) -> None:
    names = [entry["Name"] for kind in RANGES for entry in ranges.get(kind) or ()]
    if not names:
        raise ValidationException("ParameterRanges must have at least one hyperparameter.")
    if len(names) > MAX_HYPERPARAMETERS:
        raise ValidationException(
            f"ParameterRanges takes at most {MAX_HYPERPARAMETERS} hyperparameters, not {len(names)}."
        )
    rules.refuse_twice("hyperparameter", names)
    both = sorted(set(names) & set(static))
    if both:
        raise ValidationException(
            f"Hyperparameters can be either static or tuned, not both: {', '.join(both)} in StaticHyperParameters and"
            " ParameterRanges."
        )
    for entry in ranges.get("IntegerParameterRanges") or ():
        _check_numeric(entry, int, "an integer")
    for entry in ranges.get("ContinuousParameterRanges") or ():
        _check_numeric(entry, float, "a number")
    for entry in ranges.get("CategoricalParameterRanges") or ():
        _check_categorical(entry)


def _check_numeric(entry: Mapping[str, Any], number: Callable[[str], float], what: str) -> None:
    name = entry["Name"]
    try:
        low, high = number(entry["MinValue"]), number(entry["MaxValue"])
    except ValueError as error:
        raise ValidationException(
            f"The range of {name!r} has a MinValue or MaxValue that is not {what}: {entry['MinValue']!r},"
            f" {entry['MaxValue']!r}."
        ) from error
    if not (math.isfinite(low) and math.isfinite(high)):
        raise ValidationException(f"The range of {name!r} must be finite.")
    if low >= high:
        raise ValidationException(
            f"The range of {name!r} must have a MinValue less than its MaxValue, not {entry['MinValue']} and"
            f" {entry['MaxValue']}; a hyperparameter with one value belongs to StaticHyperParameters."
        )
    scaling = entry.get("ScalingType") or "Auto"
    if scaling == "Logarithmic" and low <= 0:
        raise ValidationException(f"Logarithmic scaling of {name!r} needs a MinValue greater than 0.")
    if scaling == "ReverseLogarithmic":
        if number is int:
            raise ValidationException(f"ReverseLogarithmic scaling of {name!r} is for continuous ranges only.")
        if low < 0 or high >= 1:
            raise ValidationException(f"ReverseLogarithmic scaling of {name!r} needs a range within 0 <= x < 1.")


def _check_categorical(entry: Mapping[str, Any]) -> None:
    name, values = entry["Name"], entry["Values"]
    if len(values) < 2:
        raise ValidationException(
            f"The range of {name!r} must have at least two values; one value belongs to StaticHyperParameters."
        )
    if len(values) > MAX_VALUES:
        raise ValidationException(f"The range of {name!r} takes at most {MAX_VALUES} values, not {len(values)}.")
    rules.refuse_twice(f"value in the range of {name!r},", values)
    if any(len(value) > MAX_VALUE_CHARACTERS for value in values):
        raise ValidationException(f"A value of {name!r} takes at most {MAX_VALUE_CHARACTERS} characters.")
