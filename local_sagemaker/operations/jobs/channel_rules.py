"""What InputDataConfig may hold. What AWS says is from the service model's documentation (botocore 1.44)."""

from collections.abc import Iterable, Mapping
from typing import Any

from local_sagemaker.errors import ValidationException
from local_sagemaker.operations.coverage import Structure
from local_sagemaker.operations.request_values import check_uri, refuse_twice
from local_sagemaker.operations.unsupported import refuse

_STREAMED = "it belongs to Pipe mode, which is not there; leave it out"

CHANNEL = Structure(
    "Channel",
    honoured=("ChannelName", "DataSource", "ContentType", "InputMode", "CompressionType", "RecordWrapperType"),
    refused={"ShuffleConfig": f"{_STREAMED} and shuffle in the script"},
)
DATA_SOURCE = Structure(
    "DataSource",
    honoured=("S3DataSource",),
    refused={
        "FileSystemDataSource": "there is no EFS or FSx here; copy the data to S3, or give S3DataSource a file:///path",
        "DatasetSource": "there is no hub here; copy the data to S3",
    },
)
S3_DATA_SOURCE = Structure(
    "S3DataSource",
    honoured=("S3DataType", "S3Uri", "S3DataDistributionType", "AttributeNames", "InstanceGroupNames"),
    refused={
        "ModelAccessConfig": "there is no hub here; copy the model to S3",
        "HubAccessConfig": "there is no hub here; copy the data to S3",
    },
)
SHUFFLE_CONFIG = Structure("ShuffleConfig", honoured=(), refused={"Seed": f"{_STREAMED} and shuffle in the script"})

STRUCTURES = (CHANNEL, DATA_SOURCE, S3_DATA_SOURCE, SHUFFLE_CONFIG)

DATA_TYPES = ("S3Prefix", "ManifestFile", "AugmentedManifestFile")


def input_mode(channel: Mapping[str, Any], algorithm: Mapping[str, Any]) -> str:
    """The mode of a channel: its own, or AlgorithmSpecification's TrainingInputMode."""
    return str(channel.get("InputMode") or algorithm["TrainingInputMode"])


def check_channels(
    channels: Iterable[Mapping[str, Any]], algorithm: Mapping[str, Any], resources: Mapping[str, Any]
) -> None:
    """Raise ValidationException for the first of InputDataConfig that cannot be.

    `algorithm` is AlgorithmSpecification, `resources` ResourceConfig.
    """
    channels = list(channels)
    refuse_twice("channel", (channel["ChannelName"] for channel in channels))
    groups = [group["InstanceGroupName"] for group in resources.get("InstanceGroups") or []]
    for channel in channels:
        where = f"InputDataConfig channel {channel['ChannelName']}: "
        _check_channel(channel, input_mode(channel, algorithm), where)
        for name in channel["DataSource"]["S3DataSource"].get("InstanceGroupNames") or []:
            if name not in groups:
                raise ValidationException(
                    f"{where}InstanceGroupNames: {name!r} is not one of ResourceConfig's instance groups: {groups}."
                )


def _check_channel(channel: Mapping[str, Any], mode: str, where: str) -> None:
    CHANNEL.check(channel, where)
    if not channel["ChannelName"].strip("."):
        raise ValidationException(f"{where}a name needs more than dots.")
    if mode == "Pipe":
        refuse(f"{where}InputMode Pipe", "use File or FastFile and read the files of SM_CHANNEL_<name>")
    # AWS: "In File mode, leave this field unset or set it to None", of both.
    for member in ("CompressionType", "RecordWrapperType"):
        value = channel.get(member) or "None"
        if value != "None":
            raise ValidationException(
                f"{where}{member} {value} belongs to Pipe mode: in {mode} mode leave it out or set it to None,"
                " and read the objects as they are in the script."
            )
    DATA_SOURCE.check(channel["DataSource"], where)
    source = channel["DataSource"].get("S3DataSource")
    if not source:
        raise ValidationException(f"{where}a DataSource needs an S3DataSource.")
    _check_s3_source(source, mode, where)


def _check_s3_source(source: Mapping[str, Any], mode: str, where: str) -> None:
    S3_DATA_SOURCE.check(source, where)
    check_uri(source["S3Uri"], f"{where}S3Uri")
    data_type, attributes = source["S3DataType"], source.get("AttributeNames") or []
    if data_type not in DATA_TYPES:
        refuse(f"{where}S3DataType {data_type}", f"use one of {', '.join(DATA_TYPES)}")
    if data_type != "AugmentedManifestFile":
        if attributes:
            raise ValidationException(f"{where}AttributeNames belong to S3DataType AugmentedManifestFile.")
        return
    if not attributes:
        raise ValidationException(f"{where}S3DataType AugmentedManifestFile needs AttributeNames.")
    if mode == "FastFile":  # AWS: "Augmented manifest files aren't supported" there
        raise ValidationException(f"{where}FastFile mode does not support AugmentedManifestFile: use File.")
