"""What CreateTrainingJob refuses beyond the shapes: AWS's own rules, and what local_sagemaker cannot do."""

from collections.abc import Mapping
from typing import Any

from local_sagemaker.errors import ValidationException
from local_sagemaker.operations.coverage import Structure
from local_sagemaker.operations.jobs import debugger_rules, resource_rules
from local_sagemaker.operations.jobs.channel_rules import check_channels
from local_sagemaker.operations.jobs.resource_rules import check_resources, check_spot, check_stopping_condition
from local_sagemaker.operations.request_values import check_local_path, check_uri, refuse_twice
from local_sagemaker.operations.unsupported import refuse
from local_sagemaker.runtime.training import hyperparameters, metrics
from local_sagemaker.runtime.training.command import DISTRIBUTION_GROUPS
from local_sagemaker.runtime.training.hosts import instance_groups

MAX_METRIC_DEFINITIONS = 20

REQUEST = Structure(
    "CreateTrainingJobRequest",
    honoured=(
        *("TrainingJobName", "HyperParameters", "AlgorithmSpecification", "InputDataConfig", "OutputDataConfig"),
        *("ResourceConfig", "StoppingCondition", "Tags", "EnableManagedSpotTraining", "CheckpointConfig"),
        *("DebugHookConfig", "DebugRuleConfigurations", "TensorBoardOutputConfig", "ProfilerConfig"),
        *("ProfilerRuleConfigurations", "Environment", "RetryStrategy"),
        *("RemoteDebugConfig", "InfraCheckConfig", "SessionChainingConfig"),
    ),
    without_effect={
        "RoleArn": "there is no IAM; a job runs as whoever started local_sagemaker",
        "EnableInterContainerTrafficEncryption": "what hosts say to each other stays on this machine",
    },
    refused={
        "VpcConfig": "jobs run on this machine; leave it out",
        "EnableNetworkIsolation": "a script shares this machine's network; leave it out or set it to false",
        "ExperimentConfig": "use Tags",
        "ServerlessJobConfig": "use ResourceConfig",
        "MlflowConfig": "call MLflow in the training script",
        "ModelPackageConfig": "create a model from ModelArtifacts with CreateModel",
    },
)
ALGORITHM = Structure(
    "AlgorithmSpecification",
    honoured=("TrainingInputMode", "MetricDefinitions", "ContainerEntrypoint", "ContainerArguments"),
    without_effect={
        "TrainingImage": "no image is run: the script runs in the environment of local_sagemaker",
        "EnableSageMakerMetricsTimeSeries": "every value of every metric is kept",
    },
    refused={
        "AlgorithmName": "give TrainingImage, sagemaker_program and sagemaker_submit_directory",
        "TrainingImageConfig": "no image is pulled; leave it out",
    },
)
OUTPUT = Structure(
    "OutputDataConfig",
    honoured=("S3OutputPath", "CompressionType"),
    refused={"KmsKeyId": "nothing is encrypted at rest here; leave it out"},
)
_SWITCH = "leave it out or set it to false"
REMOTE_DEBUG = Structure("RemoteDebugConfig", honoured=(), refused={"EnableRemoteDebug": _SWITCH})
INFRA_CHECK = Structure("InfraCheckConfig", honoured=(), refused={"EnableInfraCheck": _SWITCH})
SESSION_CHAINING = Structure("SessionChainingConfig", honoured=(), refused={"EnableSessionTagChaining": _SWITCH})

STRUCTURES = (
    *(REQUEST, ALGORITHM, OUTPUT, REMOTE_DEBUG, INFRA_CHECK, SESSION_CHAINING),
    *(*resource_rules.STRUCTURES, *debugger_rules.STRUCTURES),
)
# What DescribeTrainingJob shows again.
SUPPORTED = (*REQUEST.honoured, *REQUEST.without_effect)

# How the SDK's version 2 writes its `distribution` argument.
_NO_MPI = "there is no MPI here; use distribution={'torch_distributed': {'enabled': True}}"
DISTRIBUTIONS = {
    "sagemaker_mpi_enabled": _NO_MPI,
    "sagemaker_distributed_dataparallel_enabled": _NO_MPI,
    "sagemaker_pytorch_ddp_enabled": _NO_MPI,
    "sagemaker_parameter_server_enabled": "use distribution={'torch_distributed': {'enabled': True}}",
    "sagemaker_multi_worker_mirrored_strategy_enabled": "it is TensorFlow's; use torch_distributed",
    "sagemaker_pytorch_xla_multi_worker_enabled": "use distribution={'torch_distributed': {'enabled': True}}",
}


def check_training_job(members: Mapping[str, Any]) -> None:
    """Raise ValidationException for the first rule that CreateTrainingJob's members break."""
    REQUEST.check(members)
    REMOTE_DEBUG.check(members.get("RemoteDebugConfig") or {}, "RemoteDebugConfig.")
    INFRA_CHECK.check(members.get("InfraCheckConfig") or {}, "InfraCheckConfig.")
    SESSION_CHAINING.check(members.get("SessionChainingConfig") or {}, "SessionChainingConfig.")
    if not members.get("OutputDataConfig"):
        raise ValidationException("OutputDataConfig is required: results are uploaded to its S3OutputPath.")
    algorithm, resources = members["AlgorithmSpecification"], members.get("ResourceConfig") or {}
    check_algorithm(algorithm)
    check_resources(resources, "ResourceConfig")
    check_channels(members.get("InputDataConfig") or [], algorithm, resources)
    check_output(members["OutputDataConfig"])
    check_stopping_condition(members.get("StoppingCondition") or {})
    check_spot(members)
    if algorithm.get("ContainerEntrypoint"):
        check_distribution(members.get("HyperParameters") or {}, resources, "HyperParameters")
    else:
        check_script(members.get("HyperParameters") or {}, resources, "HyperParameters")
    check_checkpoints(members.get("CheckpointConfig") or {})
    debugger_rules.check_debugger(members)


def check_algorithm(algorithm: Mapping[str, Any]) -> None:
    """AlgorithmSpecification."""
    ALGORITHM.check(algorithm, "AlgorithmSpecification.")
    if not algorithm.get("TrainingImage"):
        raise ValidationException("You must specify a TrainingImage in the AlgorithmSpecification.")
    if algorithm.get("ContainerArguments") and not algorithm.get("ContainerEntrypoint"):
        refuse(
            "AlgorithmSpecification.ContainerArguments without ContainerEntrypoint",
            "no image with an entry point of its own is run; give both",
        )
    definitions = algorithm.get("MetricDefinitions") or []
    if len(definitions) > MAX_METRIC_DEFINITIONS:
        raise ValidationException(
            f"MetricDefinitions takes at most {MAX_METRIC_DEFINITIONS} metric definitions, not {len(definitions)}."
        )
    refuse_twice("metric definition", (definition["Name"] for definition in definitions))
    try:
        metrics.check(definitions)
    except metrics.BadMetricDefinition as error:
        raise ValidationException(f"{error}.") from error


def check_output(output: Mapping[str, Any]) -> None:
    """OutputDataConfig."""
    OUTPUT.check(output, "OutputDataConfig.")
    check_uri(output["S3OutputPath"], "OutputDataConfig.S3OutputPath")


def check_script(raw: Mapping[str, str], resources: Mapping[str, Any], where: str) -> None:
    """The hyperparameters that name the training script, and how it is distributed."""
    for name in hyperparameters.missing(raw):
        raise ValidationException(
            f"local_sagemaker runs training scripts and no container images: {where} must have {name}"
            " (sagemaker_program: the script; sagemaker_submit_directory: the S3 URI of sourcedir.tar.gz), or"
            " AlgorithmSpecification a ContainerEntrypoint."
        )
    check_distribution(raw, resources, where)


def check_distribution(raw: Mapping[str, str], resources: Mapping[str, Any], where: str) -> None:
    """The hyperparameters that ask for a launcher, and say in which instance groups."""
    decoded = hyperparameters.decode(raw)
    for name, hint in DISTRIBUTIONS.items():
        if decoded.get(name):
            refuse(f"{where}.{name}", hint)
    wanted = decoded.get(DISTRIBUTION_GROUPS) or []
    groups = [group.name for group in instance_groups(resources)]
    if not isinstance(wanted, list) or any(name not in groups for name in wanted):
        raise ValidationException(
            f"{where}.{DISTRIBUTION_GROUPS} must be a JSON list of names of ResourceConfig's instance groups: {groups}."
        )


def check_checkpoints(checkpoint: Mapping[str, Any]) -> None:
    """CheckpointConfig."""
    if checkpoint:
        check_uri(checkpoint["S3Uri"], "CheckpointConfig.S3Uri")
        check_local_path(checkpoint, "CheckpointConfig")
