"""What CreateHyperParameterTuningJob refuses beyond the shapes: AWS's own rules, and what local_sagemaker cannot do.

Where AWS's own words are known from public reports, they are used.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from local_sagemaker.engine.tuning import hyperband
from local_sagemaker.engine.tuning.definition import MAX_JOBS, Definition, definitions, total_combinations
from local_sagemaker.errors import ResourceLimitExceeded, ValidationException
from local_sagemaker.operations.coverage import Structure
from local_sagemaker.operations.jobs import training_job_rules as rules
from local_sagemaker.operations.jobs.channel_rules import check_channels
from local_sagemaker.operations.jobs.parameter_range_rules import RANGES, check_ranges
from local_sagemaker.operations.jobs.resource_rules import check_resources, check_spot, check_stopping_condition
from local_sagemaker.operations.request_values import refuse_twice

MAX_PARALLEL = 100

JOB = Structure(
    "CreateHyperParameterTuningJobRequest",
    honoured=(
        "HyperParameterTuningJobName",
        "HyperParameterTuningJobConfig",
        "TrainingJobDefinition",
        "TrainingJobDefinitions",
        "WarmStartConfig",
        "Tags",
    ),
    refused={"Autotune": "give ParameterRanges and ResourceLimits yourself"},
)
DEFINITION = Structure(
    "HyperParameterTrainingJobDefinition",
    honoured=(
        "DefinitionName",
        "TuningObjective",
        "HyperParameterRanges",
        "StaticHyperParameters",
        "AlgorithmSpecification",
        "InputDataConfig",
        "OutputDataConfig",
        "ResourceConfig",
        "HyperParameterTuningResourceConfig",
        "StoppingCondition",
        "CheckpointConfig",
        "Environment",
        "EnableManagedSpotTraining",
        "RetryStrategy",
    ),
    without_effect={
        name: rules.REQUEST.without_effect[name] for name in ("RoleArn", "EnableInterContainerTrafficEncryption")
    },
    refused={name: rules.REQUEST.refused[name] for name in ("VpcConfig", "EnableNetworkIsolation")},
)
RESOURCES = Structure(
    "HyperParameterTuningResourceConfig",
    honoured=("InstanceType", "InstanceCount"),
    without_effect={"VolumeSizeInGB": "jobs have this machine's disk"},
    refused={
        "VolumeKmsKeyId": "nothing is encrypted at rest here; leave it out",
        "AllocationStrategy": "give InstanceType, InstanceCount and VolumeSizeInGB",
        "InstanceConfigs": "give InstanceType, InstanceCount and VolumeSizeInGB",
    },
)
ALGORITHM = Structure(
    "HyperParameterAlgorithmSpecification",
    honoured=("TrainingInputMode", "MetricDefinitions"),
    without_effect={"TrainingImage": rules.ALGORITHM.without_effect["TrainingImage"]},
    refused={"AlgorithmName": rules.ALGORITHM.refused["AlgorithmName"]},
)
STRUCTURES = (JOB, DEFINITION, RESOURCES, ALGORITHM, RANGES)


def check_tuning_job(members: Mapping[str, Any]) -> None:
    """Raise ValidationException or ResourceLimitExceeded for the first rule that the members break.

    Warm start is checked apart (warm_start_rules.py), beside its parents.
    """
    JOB.check(members)
    config = members["HyperParameterTuningJobConfig"]
    if members.get("TrainingJobDefinitions"):
        _check_several(members, config)
    else:
        _check_single(members, config)
    among = definitions(members)
    for definition, where in zip(among, _names(members), strict=True):
        _check_definition(definition.members, where)
        _check_objective(definition)
        ranges = f"{where}.HyperParameterRanges" if definition.name else "ParameterRanges"
        check_ranges(definition.ranges, definition.static, ranges)
    _check_strategy(config, among)
    _check_limits(config, among)


def _names(members: Mapping[str, Any]) -> list[str]:
    several = members.get("TrainingJobDefinitions")
    if not several:
        return ["TrainingJobDefinition"]
    return [f"TrainingJobDefinitions.{number}.member" for number in range(1, len(several) + 1)]


def _check_single(members: Mapping[str, Any], config: Mapping[str, Any]) -> None:
    definition = members.get("TrainingJobDefinition")
    if not definition:
        raise ValidationException("TrainingJobDefinition or TrainingJobDefinitions is required.")
    for name in ("DefinitionName", "TuningObjective", "HyperParameterRanges"):
        if definition.get(name):
            raise ValidationException(
                f"TrainingJobDefinition.{name} belongs to TrainingJobDefinitions: give objective and ranges in"
                " HyperParameterTuningJobConfig."
            )
    if not config.get("HyperParameterTuningJobObjective"):
        raise ValidationException("HyperParameterTuningJobConfig.HyperParameterTuningJobObjective is required.")


def _check_several(members: Mapping[str, Any], config: Mapping[str, Any]) -> None:
    if members.get("TrainingJobDefinition"):
        raise ValidationException("Give either TrainingJobDefinition or TrainingJobDefinitions, not both.")
    for name in ("HyperParameterTuningJobObjective", "ParameterRanges"):
        if config.get(name):
            raise ValidationException(
                f"HyperParameterTuningJobConfig.{name} does not go with TrainingJobDefinitions: each definition has its"
                " own TuningObjective and HyperParameterRanges."
            )
    several = members["TrainingJobDefinitions"]
    for definition, where in zip(several, _names(members), strict=True):
        for name in ("DefinitionName", "TuningObjective", "HyperParameterRanges"):
            if not definition.get(name):
                raise ValidationException(f"{where}.{name} is required.")
    refuse_twice("training job definition", (definition["DefinitionName"] for definition in several))
    if len({definition["TuningObjective"]["Type"] for definition in several}) > 1:
        raise ValidationException("All TrainingJobDefinitions must have a TuningObjective of the same Type.")
    if members.get("WarmStartConfig"):
        raise ValidationException("WarmStartConfig is available only when tuning a single algorithm.")
    if config.get("TrainingJobEarlyStoppingType", "Off") != "Off":
        raise ValidationException("TrainingJobEarlyStoppingType Auto is available only when tuning a single algorithm.")


def _check_definition(definition: Mapping[str, Any], where: str) -> None:
    DEFINITION.check(definition, f"{where}.")
    ALGORITHM.check(definition["AlgorithmSpecification"], f"{where}.AlgorithmSpecification.")
    rules.check_algorithm(definition["AlgorithmSpecification"])
    named = [name for name in ("ResourceConfig", "HyperParameterTuningResourceConfig") if definition.get(name)]
    if len(named) != 1:
        raise ValidationException(
            f"{where} needs exactly one of ResourceConfig and HyperParameterTuningResourceConfig."
        )
    resources = definition[named[0]]
    if named[0] == RESOURCES.shape:
        RESOURCES.check(resources, f"{where}.{RESOURCES.shape}.")
    check_resources(resources, named[0])
    check_channels(definition.get("InputDataConfig") or [], definition["AlgorithmSpecification"], resources)
    rules.check_output(definition["OutputDataConfig"])
    check_stopping_condition(definition["StoppingCondition"])
    check_spot(definition)
    rules.check_script(definition.get("StaticHyperParameters") or {}, resources, "StaticHyperParameters")
    rules.check_checkpoints(definition.get("CheckpointConfig") or {})


def _check_objective(definition: Definition) -> None:
    defined = [metric["Name"] for metric in definition.members["AlgorithmSpecification"].get("MetricDefinitions") or []]
    if definition.metric not in defined:
        raise ValidationException(
            "A metric is required for this hyperparameter tuning job objective. Provide a metric in the metric"
            f" definitions. (The objective is {definition.metric!r}, the metric definitions are:"
            f" {', '.join(defined) or 'none'}.)"
        )


def _check_strategy(config: Mapping[str, Any], among: Sequence[Definition]) -> None:
    strategy = config["Strategy"]
    if config.get("StrategyConfig") and strategy != "Hyperband":
        raise ValidationException("StrategyConfig should be provided only if Hyperband is selected as the Strategy.")
    if strategy == "Grid" and any(
        definition.ranges.get(kind)
        for definition in among
        for kind in ("IntegerParameterRanges", "ContinuousParameterRanges")
    ):
        raise ValidationException(
            "Only categorical parameters are supported when using the Grid strategy: give CategoricalParameterRanges."
        )
    if strategy == "Hyperband":
        _check_hyperband(config, among)


def _check_hyperband(config: Mapping[str, Any], among: Sequence[Definition]) -> None:
    if config.get("TrainingJobEarlyStoppingType", "Off") != "Off":
        raise ValidationException(
            "TrainingJobEarlyStoppingType must be OFF to use Hyperband, which has its own early stopping mechanism."
        )
    lowest, highest = hyperband_resources(config, among)
    if highest is None:
        raise ValidationException(
            "MaxResource parameter is not provided and could not be inferred from provided static hyperparameters of"
            " TrainingJobDefinition."
        )
    if highest > hyperband.MAX_RESOURCE:
        raise ValidationException(f"MaxResource takes at most {hyperband.MAX_RESOURCE} epochs, not {highest}.")
    if lowest > highest:
        raise ValidationException(f"MinResource ({lowest}) must not be greater than MaxResource ({highest}).")


def hyperband_resources(config: Mapping[str, Any], among: Sequence[Definition]) -> tuple[int, int | None]:
    """MinResource and MaxResource: as given, else 1 and the epochs of the static hyperparameters, None without."""
    given = (config.get("StrategyConfig") or {}).get("HyperbandStrategyConfig") or {}
    inferred = [hyperband.epochs(definition.static) for definition in among]
    known = [epochs for epochs in inferred if epochs is not None]
    highest = max(known) if len(known) == len(inferred) else None
    return given.get("MinResource") or hyperband.MIN_RESOURCE, given.get("MaxResource") or highest


def _check_limits(config: Mapping[str, Any], among: Sequence[Definition]) -> None:
    limits, strategy = config["ResourceLimits"], config["Strategy"]
    parallel, jobs = limits["MaxParallelTrainingJobs"], limits.get("MaxNumberOfTrainingJobs")
    total = total_combinations(among)
    if strategy == "Grid":
        if jobs and jobs != total:
            raise ValidationException(
                f"MaxNumberOfTrainingJobs ({jobs}) should equal the number of distinct categorical combinations"
                f" ({total:.0f}) when using the Grid strategy; it may be left out."
            )
        jobs = int(total)
    elif not jobs and not limits.get("MaxRuntimeInSeconds") and not config.get("TuningJobCompletionCriteria"):
        raise ValidationException(
            f"ResourceLimits.MaxNumberOfTrainingJobs is required for the {strategy} strategy without"
            " MaxRuntimeInSeconds and TuningJobCompletionCriteria."
        )
    if jobs:
        check_quota("Number of training jobs per hyperparameter tuning job", jobs, MAX_JOBS[strategy])
    check_quota("Number of parallel training jobs per hyperparameter tuning job", parallel, MAX_PARALLEL)
    if jobs and parallel > jobs:
        raise ValidationException(
            f"MaxParallelTrainingJobs ({parallel}) must not be greater than MaxNumberOfTrainingJobs ({jobs})."
        )
    if jobs and jobs > total:
        raise ValidationException(
            "You don't have enough combinations of hyperparameter ranges. The total number of hyperparameter"
            f" combinations for the provided ranges [{float(total)}] must be equal or greater than the value of"
            f" MaxNumberOfJobs, [{jobs}]. Provide additional ranges."
        )


def check_quota(name: str, asked: int, allowed: int, used: int = 0) -> None:
    """Raise ResourceLimitExceeded in AWS's words when `asked` beside what is `used` is more than is allowed."""
    if used + asked > allowed:
        raise ResourceLimitExceeded(
            f"The account-level service limit '{name}' is {allowed} Training Jobs, with current utilization of {used}"
            f" Training Jobs and a request delta of {asked} Training Jobs. Please contact AWS support to request an"
            " increase for this limit."
        )
