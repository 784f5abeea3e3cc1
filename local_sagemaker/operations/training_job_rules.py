"""What CreateTrainingJob refuses beyond the shapes: AWS's own rules, and what local_sagemaker cannot do."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from diagnostics.instances import UnknownInstanceType, instance_type
from local_sagemaker.errors import ValidationException
from local_sagemaker.operations.unsupported import refuse, refuse_given, refuse_other
from local_sagemaker.runtime import hyperparameters, metrics

MAX_METRIC_DEFINITIONS = 20
MAX_RUNTIME_SECONDS = 2_419_200
OPT_ML = "/opt/ml/"

# Accepted because they change nothing where there is one machine, no instances to provision and no IAM.
WITHOUT_EFFECT = (
    "RoleArn",
    "AlgorithmSpecification.TrainingImage",
    "AlgorithmSpecification.EnableSageMakerMetricsTimeSeries",
    "ResourceConfig.VolumeSizeInGB",
    "EnableInterContainerTrafficEncryption",
)

_ONE_MACHINE = "jobs run on this machine; leave it out"
_NO_KEYS = "nothing is encrypted at rest here; leave it out"
UNSUPPORTED = {
    "VpcConfig": _ONE_MACHINE,
    "EnableNetworkIsolation": "a script shares this machine's network; leave it out or set it to false",
    "EnableManagedSpotTraining": "there are no spot instances here; leave it out or set it to false",
    "RetryStrategy": "create the job again when it fails",
    "TensorBoardOutputConfig": "write the event files below SM_OUTPUT_DATA_DIR, which becomes output.tar.gz",
    "ExperimentConfig": "use Tags",
    "ServerlessJobConfig": "use ResourceConfig with one instance",
    "MlflowConfig": "call MLflow in the training script",
    "ModelPackageConfig": "create a model from ModelArtifacts with CreateModel",
}
SWITCHES = {
    "RemoteDebugConfig": "EnableRemoteDebug",
    "InfraCheckConfig": "EnableInfraCheck",
    "SessionChainingConfig": "EnableSessionTagChaining",
}
SUPPORTED = (
    "TrainingJobName",
    "HyperParameters",
    "AlgorithmSpecification",
    "RoleArn",
    "InputDataConfig",
    "OutputDataConfig",
    "ResourceConfig",
    "StoppingCondition",
    "Tags",
    "EnableInterContainerTrafficEncryption",
    "CheckpointConfig",
    "DebugHookConfig",
    "DebugRuleConfigurations",
    "ProfilerConfig",
    "ProfilerRuleConfigurations",
    "Environment",
)


def check_training_job(members: Mapping[str, Any]) -> None:
    """Raise ValidationException for the first rule that CreateTrainingJob's members break."""
    refuse_given(members, UNSUPPORTED)
    for name, switch in SWITCHES.items():
        refuse_given(members.get(name) or {}, {switch: "leave it out or set it to false"}, f"{name}.")
    refuse_other(members, {*SUPPORTED, *UNSUPPORTED, *SWITCHES})
    if not members.get("OutputDataConfig"):
        raise ValidationException("OutputDataConfig is required: results are uploaded to its S3OutputPath.")
    check_algorithm(members["AlgorithmSpecification"])
    check_resources(members.get("ResourceConfig") or {}, "ResourceConfig")
    check_channels(members.get("InputDataConfig") or [])
    check_output(members["OutputDataConfig"])
    check_stopping_condition(members.get("StoppingCondition") or {})
    check_script(members.get("HyperParameters") or {}, "HyperParameters")
    check_checkpoints(members.get("CheckpointConfig") or {})
    _check_debugger(members)


def check_algorithm(algorithm: Mapping[str, Any]) -> None:
    """AlgorithmSpecification."""
    refuse_given(
        algorithm,
        {
            "AlgorithmName": "give TrainingImage, sagemaker_program and sagemaker_submit_directory",
            "ContainerEntrypoint": "no container is run; give sagemaker_program and sagemaker_submit_directory",
            "ContainerArguments": "no container is run; give sagemaker_program and sagemaker_submit_directory",
            "TrainingImageConfig": "no image is pulled; leave it out",
        },
        "AlgorithmSpecification.",
    )
    if not algorithm.get("TrainingImage"):
        raise ValidationException("You must specify a TrainingImage in the AlgorithmSpecification.")
    if algorithm["TrainingInputMode"] != "File":
        refuse(f"TrainingInputMode {algorithm['TrainingInputMode']}", "use File")
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


def check_resources(resources: Mapping[str, Any], where: str) -> None:
    """ResourceConfig, or a tuning job's HyperParameterTuningResourceConfig."""
    refuse_given(
        resources,
        {
            "VolumeKmsKeyId": _NO_KEYS,
            "KeepAlivePeriodInSeconds": "jobs start at once here, without a warm pool; leave it out",
            "InstanceGroups": "give InstanceType and InstanceCount 1",
            "InstancePreferences": "give InstanceType and InstanceCount 1",
            "InstanceConfigs": "give InstanceType and InstanceCount 1",
            "AllocationStrategy": "leave it out",
            "TrainingPlanArn": "leave it out",
            "InstancePlacementConfig": "leave it out",
        },
        f"{where}.",
    )
    for needed in ("InstanceType", "InstanceCount", "VolumeSizeInGB"):
        if not resources.get(needed):
            raise ValidationException(f"{where}.{needed} is required and must be at least 1.")
    if resources["InstanceCount"] != 1:
        refuse(f"{where}.InstanceCount {resources['InstanceCount']}", "distributed training is not there yet; use 1")
    try:
        instance_type(resources["InstanceType"])
    except UnknownInstanceType as error:
        raise ValidationException(f"{where}.InstanceType: {error}.") from error


def check_channels(channels: Iterable[Mapping[str, Any]]) -> None:
    """InputDataConfig."""
    channels = list(channels)
    refuse_twice("channel", (channel["ChannelName"] for channel in channels))
    for channel in channels:
        where = f"InputDataConfig channel {channel['ChannelName']}: "
        if not channel["ChannelName"].strip("."):
            raise ValidationException(f"{where}a name needs more than dots.")
        source = channel["DataSource"].get("S3DataSource")
        if not source:
            refuse(f"{where}a DataSource other than S3DataSource", "copy the data to S3")
        else:
            _check_s3_source(source, where)
        if channel.get("InputMode", "File") != "File":
            refuse(f"{where}InputMode {channel['InputMode']}", "use File")
        if channel.get("CompressionType", "None") != "None":
            refuse(f"{where}CompressionType {channel['CompressionType']}", "use None and unpack in the script")
        if channel.get("RecordWrapperType", "None") != "None":
            refuse(f"{where}RecordWrapperType {channel['RecordWrapperType']}", "use None")
        refuse_given(channel, {"ShuffleConfig": "shuffle in the script"}, where)


def check_output(output: Mapping[str, Any]) -> None:
    """OutputDataConfig."""
    refuse_given(output, {"KmsKeyId": _NO_KEYS}, "OutputDataConfig.")
    check_uri(output["S3OutputPath"], "OutputDataConfig.S3OutputPath")


def check_stopping_condition(condition: Mapping[str, Any]) -> None:
    """StoppingCondition."""
    refuse_given(
        condition,
        {
            "MaxWaitTimeInSeconds": "it belongs to spot training; leave it out",
            "MaxPendingTimeInSeconds": "leave it out",
        },
        "StoppingCondition.",
    )
    if condition.get("MaxRuntimeInSeconds", 1) > MAX_RUNTIME_SECONDS:
        raise ValidationException(
            f"StoppingCondition.MaxRuntimeInSeconds takes at most {MAX_RUNTIME_SECONDS} seconds (28 days)."
        )


def check_script(raw: Mapping[str, str], where: str) -> None:
    """The hyperparameters that name the training script."""
    for name in hyperparameters.missing(raw):
        raise ValidationException(
            f"local_sagemaker runs training scripts and no container images: {where} must have {name}"
            " (sagemaker_program: the script; sagemaker_submit_directory: the S3 URI of sourcedir.tar.gz)."
        )


def check_checkpoints(checkpoint: Mapping[str, Any]) -> None:
    """CheckpointConfig."""
    if checkpoint:
        check_uri(checkpoint["S3Uri"], "CheckpointConfig.S3Uri")
        _check_local_path(checkpoint, "CheckpointConfig")


def check_uri(uri: str, where: str) -> None:
    """An S3 URI, or file:// for what lies on this machine."""
    if not uri.startswith(("s3://", "file:///")) or uri in {"s3://", "file:///"}:
        raise ValidationException(f"{where} {uri!r} is not a valid S3 URI: it must be like s3://bucket/prefix.")


def refuse_twice(what: str, names: Iterable[str]) -> None:
    """Raise ValidationException for the first name that comes twice."""
    for name, count in Counter(names).items():
        if count > 1:
            raise ValidationException(f"Duplicate {what} name {name!r}: names must be unique.")


def _check_s3_source(source: Mapping[str, Any], where: str) -> None:
    if source["S3DataType"] != "S3Prefix":
        refuse(f"{where}S3DataType {source['S3DataType']}", "use S3Prefix")
    if source.get("S3DataDistributionType", "FullyReplicated") != "FullyReplicated":
        refuse(f"{where}S3DataDistributionType {source['S3DataDistributionType']}", "use FullyReplicated")
    refuse_given(
        source,
        {
            "AttributeNames": "they belong to AugmentedManifestFile; leave them out",
            "InstanceGroupNames": "leave them out",
            "ModelAccessConfig": "leave it out",
            "HubAccessConfig": "leave it out",
        },
        where,
    )
    check_uri(source["S3Uri"], f"{where}S3Uri")


def _check_debugger(members: Mapping[str, Any]) -> None:
    hook = members.get("DebugHookConfig")
    if hook:
        check_uri(hook["S3OutputPath"], "DebugHookConfig.S3OutputPath")
        _check_local_path(hook, "DebugHookConfig")
    rules = members.get("DebugRuleConfigurations") or []
    refuse_twice("rule configuration", (rule["RuleConfigurationName"] for rule in rules))
    if rules and not hook:
        raise ValidationException("DebugHookConfig is required when DebugRuleConfigurations are given.")
    profiler = members.get("ProfilerConfig") or {}
    if profiler.get("S3OutputPath"):
        check_uri(profiler["S3OutputPath"], "ProfilerConfig.S3OutputPath")
    _check_local_path(profiler.get("ProfilingParameters") or {}, "ProfilerConfig.ProfilingParameters")
    rules = members.get("ProfilerRuleConfigurations") or []
    refuse_twice("rule configuration", (rule["RuleConfigurationName"] for rule in rules))


def _check_local_path(config: Mapping[str, Any], where: str) -> None:
    path = config.get("LocalPath")
    if path and (not path.startswith(OPT_ML) or ".." in path.split("/")):
        refuse(f"{where}.LocalPath {path}", f"use a path below {OPT_ML}, which is relocated into the job's folder")
