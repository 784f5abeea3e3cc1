"""What CreateTrainingJob and CreateHyperParameterTuningJob refuse."""

import copy
from typing import Any

import pytest

from local_sagemaker.errors import ValidationException
from local_sagemaker.operations.training_job_rules import check_training_job
from local_sagemaker.operations.tuning_job_rules import check_tuning_job

SCRIPT = {"sagemaker_program": "train.py", "sagemaker_submit_directory": "s3://b/sourcedir.tar.gz"}
SOURCE = {"S3DataType": "S3Prefix", "S3Uri": "s3://b/train"}
RESOURCES = {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 30}
TRAINING: dict[str, Any] = {
    "TrainingJobName": "a",
    "AlgorithmSpecification": {
        "TrainingImage": "image",
        "TrainingInputMode": "File",
        "MetricDefinitions": [{"Name": "loss", "Regex": "loss=(.*)"}],
    },
    "RoleArn": "arn:aws:iam::123456789012:role/x",
    "InputDataConfig": [{"ChannelName": "train", "DataSource": {"S3DataSource": SOURCE}}],
    "OutputDataConfig": {"S3OutputPath": "s3://b/out", "KmsKeyId": ""},
    "ResourceConfig": RESOURCES,
    "StoppingCondition": {"MaxRuntimeInSeconds": 60},
    "HyperParameters": SCRIPT,
    "EnableNetworkIsolation": False,
    "RemoteDebugConfig": {"EnableRemoteDebug": False},
}
TUNING: dict[str, Any] = {
    "HyperParameterTuningJobName": "t",
    "HyperParameterTuningJobConfig": {
        "Strategy": "Bayesian",
        "ResourceLimits": {"MaxNumberOfTrainingJobs": 9, "MaxParallelTrainingJobs": 3},
        "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "loss"},
        "ParameterRanges": {
            "ContinuousParameterRanges": [{"Name": "lr", "MinValue": "0.001", "MaxValue": "0.1"}],
            "CategoricalParameterRanges": [{"Name": "batch-size", "Values": ["32", "64"]}],
        },
    },
    "TrainingJobDefinition": {
        "StaticHyperParameters": SCRIPT,
        **{
            name: TRAINING[name]
            for name in ("AlgorithmSpecification", "RoleArn", "InputDataConfig", "OutputDataConfig")
        },
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
        "ResourceConfig": RESOURCES,
    },
}


def changed(members: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy with the member at `path` (dots, list indexes) set."""
    result = copy.deepcopy(members)
    target: Any = result
    *parents, last = path.split(".")
    for name in parents:
        target = target[int(name)] if name.isdigit() else target.setdefault(name, {})
    target[last] = value
    return result


def test_good_requests_pass() -> None:
    check_training_job(TRAINING)
    check_tuning_job(TUNING)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("VpcConfig", {"Subnets": ["s"]}, "does not support VpcConfig"),
        ("EnableNetworkIsolation", True, "EnableNetworkIsolation"),
        ("EnableManagedSpotTraining", True, "spot"),
        ("RetryStrategy", {"MaximumRetryAttempts": 2}, "RetryStrategy"),
        ("RemoteDebugConfig.EnableRemoteDebug", True, "RemoteDebugConfig.EnableRemoteDebug"),
        ("SomethingNew", {"A": 1}, "SomethingNew"),
        ("ResourceConfig.InstanceCount", 2, "InstanceCount 2"),
        ("ResourceConfig.InstanceType", "ml.m5.xlargee", "near it: .*ml.m5.xlarge"),
        ("ResourceConfig.KeepAlivePeriodInSeconds", 60, "KeepAlivePeriodInSeconds"),
        ("ResourceConfig.VolumeKmsKeyId", "key", "VolumeKmsKeyId"),
        ("ResourceConfig.VolumeSizeInGB", 0, "VolumeSizeInGB is required"),
        ("OutputDataConfig.KmsKeyId", "key", "KmsKeyId"),
        ("OutputDataConfig.S3OutputPath", "https://b/out", "not a valid S3 URI"),
        ("AlgorithmSpecification.TrainingInputMode", "Pipe", "use File"),
        ("AlgorithmSpecification.ContainerEntrypoint", ["/bin/bash"], "ContainerEntrypoint"),
        ("AlgorithmSpecification.TrainingImage", "", "TrainingImage"),
        ("AlgorithmSpecification.MetricDefinitions.0.Regex", "(", "invalid"),
        ("AlgorithmSpecification.MetricDefinitions", [{"Name": f"{n}", "Regex": "x"} for n in range(21)], "at most 20"),
        ("AlgorithmSpecification.MetricDefinitions", [{"Name": "a", "Regex": "x"}] * 2, "Duplicate metric"),
        ("InputDataConfig.0.DataSource.S3DataSource.S3DataType", "ManifestFile", "use S3Prefix"),
        ("InputDataConfig.0.DataSource.S3DataSource.S3DataDistributionType", "ShardedByS3Key", "use FullyReplicated"),
        ("InputDataConfig.0.DataSource", {"FileSystemDataSource": {}}, "copy the data to S3"),
        ("InputDataConfig.0.ChannelName", "..", "more than dots"),
        ("InputDataConfig.0.InputMode", "FastFile", "use File"),
        ("InputDataConfig.0.CompressionType", "Gzip", "use None"),
        ("InputDataConfig.0.ShuffleConfig", {"Seed": 1}, "shuffle in the script"),
        ("InputDataConfig", [TRAINING["InputDataConfig"][0]] * 2, "Duplicate channel"),
        ("StoppingCondition.MaxRuntimeInSeconds", 2_419_201, "28 days"),
        ("StoppingCondition.MaxWaitTimeInSeconds", 90, "spot"),
        ("HyperParameters", {}, "sagemaker_program"),
        ("CheckpointConfig", {"S3Uri": "s3://b/c", "LocalPath": "/data/x"}, "below /opt/ml"),
        ("CheckpointConfig", {"S3Uri": "s3://b/c", "LocalPath": "/opt/ml/../x"}, "below /opt/ml"),
        ("DebugRuleConfigurations", [{"RuleConfigurationName": "r"}], "DebugHookConfig is required"),
    ],
)
def test_training_job_refusals(path: str, value: Any, message: str) -> None:
    with pytest.raises(ValidationException, match=message):
        check_training_job(changed(TRAINING, path, value))


CONFIG = "HyperParameterTuningJobConfig"


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("WarmStartConfig", {"WarmStartType": "TransferLearning"}, "WarmStartConfig"),
        ("TrainingJobDefinitions", [{}], "use one TrainingJobDefinition"),
        (f"{CONFIG}.Strategy", "Hyperband", "use Bayesian or Random"),
        (f"{CONFIG}.TrainingJobEarlyStoppingType", "Auto", "use Off"),
        (f"{CONFIG}.TuningJobCompletionCriteria", {"TargetObjectiveMetricValue": 1}, "TuningJobCompletionCriteria"),
        (f"{CONFIG}.ResourceLimits.MaxParallelTrainingJobs", 10, "must not be greater"),
        (f"{CONFIG}.ResourceLimits.MaxNumberOfTrainingJobs", 751, "at most 750"),
        (f"{CONFIG}.ResourceLimits", {"MaxParallelTrainingJobs": 1}, "is required"),
        (f"{CONFIG}.HyperParameterTuningJobObjective.MetricName", "acc", "must be one of the metric definitions"),
        (f"{CONFIG}.ParameterRanges", {}, "at least one"),
        (f"{CONFIG}.ParameterRanges.ContinuousParameterRanges.0.MaxValue", "0.001", "less than"),
        (f"{CONFIG}.ParameterRanges.ContinuousParameterRanges.0.MaxValue", "many", "not a number"),
        (f"{CONFIG}.ParameterRanges.ContinuousParameterRanges.0.MaxValue", "inf", "finite"),
        (f"{CONFIG}.ParameterRanges.ContinuousParameterRanges.0.ScalingType", "ReverseLogarithmic", None),
        (
            f"{CONFIG}.ParameterRanges.IntegerParameterRanges",
            [{"Name": "e", "MinValue": "0", "MaxValue": "5", "ScalingType": "Logarithmic"}],
            "greater than 0",
        ),
        (
            f"{CONFIG}.ParameterRanges.IntegerParameterRanges",
            [{"Name": "e", "MinValue": "1", "MaxValue": "5", "ScalingType": "ReverseLogarithmic"}],
            "continuous ranges only",
        ),
        (
            f"{CONFIG}.ParameterRanges.IntegerParameterRanges",
            [{"Name": "lr", "MinValue": "1", "MaxValue": "2"}],
            "Duplicate",
        ),
        (f"{CONFIG}.ParameterRanges.CategoricalParameterRanges.0.Values", ["32"], "at least two"),
        (f"{CONFIG}.ParameterRanges.CategoricalParameterRanges.0.Values", ["32", "32"], "Duplicate"),
        (f"{CONFIG}.ParameterRanges.CategoricalParameterRanges.0.Values", [str(n) for n in range(31)], "at most 30"),
        ("TrainingJobDefinition.StaticHyperParameters", {**SCRIPT, "lr": "1"}, "either static or tuned"),
        ("TrainingJobDefinition.HyperParameterTuningResourceConfig", RESOURCES, "exactly one"),
        ("TrainingJobDefinition.ResourceConfig.InstanceCount", 3, "use 1"),
        ("TrainingJobDefinition.VpcConfig", {"Subnets": ["s"]}, "TrainingJobDefinition.VpcConfig"),
    ],
)
def test_tuning_job_refusals(path: str, value: Any, message: str | None) -> None:
    members = changed(TUNING, path, value)
    if message is None:
        check_tuning_job(members)
        return
    with pytest.raises(ValidationException, match=message):
        check_tuning_job(members)
