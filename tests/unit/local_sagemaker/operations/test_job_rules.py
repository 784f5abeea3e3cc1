"""What CreateTrainingJob refuses."""

import copy
from typing import Any

import pytest

from local_sagemaker.errors import ValidationException
from local_sagemaker.operations.jobs.training_job_rules import check_training_job

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
    spot = {"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 60, "MaxPendingTimeInSeconds": 7200}
    groups = [{"InstanceGroupName": name, "InstanceType": "ml.m5.large", "InstanceCount": 2} for name in "ab"]
    check_training_job(
        {
            **TRAINING,
            "EnableManagedSpotTraining": True,
            "StoppingCondition": spot,
            "RetryStrategy": {"MaximumRetryAttempts": 2},
            "TensorBoardOutputConfig": {"S3OutputPath": "s3://b/t"},
            "ResourceConfig": {"InstanceGroups": groups, "VolumeSizeInGB": 1},
            "HyperParameters": {**SCRIPT, "sagemaker_mpi_enabled": "false"},
        }
    )
    check_training_job({**TRAINING, "ResourceConfig": {**TRAINING["ResourceConfig"], "KeepAlivePeriodInSeconds": 3600}})
    entrypoint = {**TRAINING["AlgorithmSpecification"], "ContainerEntrypoint": ["/bin/bash"]}
    check_training_job({**TRAINING, "AlgorithmSpecification": entrypoint, "HyperParameters": {}})


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("VpcConfig", {"Subnets": ["s"]}, "does not support VpcConfig"),
        ("EnableNetworkIsolation", True, "EnableNetworkIsolation"),
        ("EnableManagedSpotTraining", True, "Invalid MaxWaitTimeInSeconds. It must be present"),
        ("RemoteDebugConfig.EnableRemoteDebug", True, "RemoteDebugConfig.EnableRemoteDebug"),
        ("SomethingNew", {"A": 1}, "SomethingNew"),
        ("ResourceConfig.InstanceCount", 17, "use at most 16"),
        ("ResourceConfig.KeepAlivePeriodInSeconds", 3601, "KeepAlivePeriodInSeconds takes at most 3600 seconds"),
        ("ResourceConfig.InstanceCount", 0, "InstanceCount is required"),
        ("ResourceConfig.InstanceGroups", [{"InstanceGroupName": "a"}], "not both"),
        ("ResourceConfig.InstanceType", "ml.m5.xlargee", "near it: .*ml.m5.xlarge"),
        ("ResourceConfig.VolumeKmsKeyId", "key", "VolumeKmsKeyId"),
        ("ResourceConfig.VolumeSizeInGB", 0, "VolumeSizeInGB is required"),
        ("OutputDataConfig.KmsKeyId", "key", "KmsKeyId"),
        ("OutputDataConfig.S3OutputPath", "https://b/out", "not a valid S3 URI"),
        ("AlgorithmSpecification.ContainerArguments", ["-c"], "give both"),
        ("HyperParameters.sagemaker_mpi_enabled", "true", "no MPI here; use distribution"),
        (
            "HyperParameters.sagemaker_distribution_instance_groups",
            '["none"]',
            "instance groups: .'homogeneousCluster'",
        ),
        ("HyperParameters.sagemaker_distribution_instance_groups", "5", "must be a JSON list"),
        ("TensorBoardOutputConfig", {"S3OutputPath": "s3://b/t", "LocalPath": "/data/x"}, "below /opt/ml"),
        ("AlgorithmSpecification.TrainingImage", "", "TrainingImage"),
        ("AlgorithmSpecification.MetricDefinitions.0.Regex", "(", "invalid"),
        ("AlgorithmSpecification.MetricDefinitions", [{"Name": f"{n}", "Regex": "x"} for n in range(21)], "at most 20"),
        ("AlgorithmSpecification.MetricDefinitions", [{"Name": "a", "Regex": "x"}] * 2, "Duplicate metric"),
        ("InputDataConfig.0.InputMode", "Pipe", "use File or FastFile"),
        ("StoppingCondition.MaxRuntimeInSeconds", 2_419_201, "28 days"),
        ("StoppingCondition.MaxWaitTimeInSeconds", 90, "managed spot training"),
        ("HyperParameters", {}, "sagemaker_program"),
        ("CheckpointConfig", {"S3Uri": "s3://b/c", "LocalPath": "/data/x"}, "below /opt/ml"),
        ("CheckpointConfig", {"S3Uri": "s3://b/c", "LocalPath": "/opt/ml/../x"}, "below /opt/ml"),
        ("DebugRuleConfigurations", [{"RuleConfigurationName": "r"}], "DebugHookConfig is required"),
    ],
)
def test_training_job_refusals(path: str, value: Any, message: str) -> None:
    with pytest.raises(ValidationException, match=message):
        check_training_job(changed(TRAINING, path, value))
