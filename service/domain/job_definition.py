"""The parts of a request to SageMaker that training jobs and tuning jobs share."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from diagnostics.instances import UnknownInstanceType, instance_type
from service.aws import images
from service.aws.clients import Clients
from service.aws.custom_rule_images import custom_rule_image
from service.domain import hyperparameters, source
from service.domain.debugger import RuleImages
from service.schemas.job import OWN_ENTRY_POINTS, JobRequest


@dataclass(frozen=True)
class Placement:
    """Where a job's code, results and images lie, and as whom it runs."""

    region: str
    role_arn: str
    image: str
    source_s3_uri: str
    output_s3_uri: str
    checkpoints_s3_uri: str
    rule_images: RuleImages


def place(clients: Clients, request: JobRequest) -> Placement:
    """Look up the images, upload the source, make sure of the bucket. Raises a Problem when one is not possible."""
    settings = clients.settings
    image = images.training_image(settings, request.instance_type)
    bucket = clients.bucket()
    return Placement(
        region=clients.region,
        role_arn=settings.role_arn,
        image=image,
        source_s3_uri=source.upload(clients, bucket, settings.training_source_dir),
        output_s3_uri=f"s3://{bucket}/{settings.prefix}/jobs",
        checkpoints_s3_uri=f"s3://{bucket}/{settings.prefix}/checkpoints",
        rule_images=RuleImages(
            built_in=lambda: images.rule_evaluator_image(settings),
            custom=lambda: custom_rule_image(settings.region),
        ),
    )


def input_data_config(channels: Mapping[str, str]) -> list[dict[str, Any]]:
    """InputDataConfig: every object under a channel's prefix, on every instance."""
    return [
        {
            "ChannelName": name,
            "DataSource": {
                "S3DataSource": {
                    "S3DataType": "S3Prefix",
                    "S3Uri": channels[name],
                    "S3DataDistributionType": "FullyReplicated",
                }
            },
        }
        for name in sorted(channels)
    ]


def script(request: JobRequest, placement: Placement, name: str) -> dict[str, str]:
    """The hyperparameters that are SageMaker's own: which script is run, and how it is started."""
    return {
        **hyperparameters.of_script(request.entry_point, placement.source_s3_uri, name, placement.region),
        **distribution(request),
    }


def distribution(request: JobRequest) -> dict[str, str]:
    """What has torchrun start the script, a process a GPU on every instance, where there is more than one process.

    Only this project's own scripts: another one may do otherwise with its hosts.
    """
    if request.entry_point not in OWN_ENTRY_POINTS or (request.instance_count == 1 and _gpus(request) < 2):
        return {}
    return hyperparameters.encode({"sagemaker_torch_distributed_enabled": True})


def _gpus(request: JobRequest) -> int:
    try:
        return instance_type(request.instance_type).gpus
    except UnknownInstanceType:  # newer than the catalogue: SageMaker knows whether there is one
        return 0


def surroundings(request: JobRequest, placement: Placement) -> dict[str, Any]:
    """Role, data, output, instances, limits, checkpoints and environment."""
    members: dict[str, Any] = {
        "RoleArn": placement.role_arn,
        "OutputDataConfig": {"S3OutputPath": placement.output_s3_uri},
        "ResourceConfig": {
            "InstanceType": request.instance_type,
            "InstanceCount": request.instance_count,
            "VolumeSizeInGB": request.volume_size_gb,
        },
        "StoppingCondition": {"MaxRuntimeInSeconds": request.max_runtime_seconds},
    }
    if request.channels:
        members["InputDataConfig"] = input_data_config(request.channels)
    if request.checkpoint_s3_uri is not None:
        members["CheckpointConfig"] = {"S3Uri": request.checkpoint_s3_uri}
    if request.environment:
        members["Environment"] = dict(request.environment)
    return members


def described_surroundings(members: Mapping[str, Any]) -> dict[str, Any]:
    """The same as `surroundings`, read from a description, under the names of our schemas."""
    resources = members.get("ResourceConfig") or members.get("HyperParameterTuningResourceConfig") or {}
    return {
        "channels": {
            channel["ChannelName"]: channel["DataSource"].get("S3DataSource", {}).get("S3Uri", "")
            for channel in members.get("InputDataConfig", [])
        },
        "instance_type": resources.get("InstanceType"),
        "instance_count": resources.get("InstanceCount"),
        "volume_size_gb": resources.get("VolumeSizeInGB"),
        "max_runtime_seconds": members.get("StoppingCondition", {}).get("MaxRuntimeInSeconds"),
        "checkpoint_s3_uri": members.get("CheckpointConfig", {}).get("S3Uri"),
        "environment": dict(members.get("Environment", {})),
        "image": members.get("AlgorithmSpecification", {}).get("TrainingImage"),
    }
