"""What InputDataConfig may hold."""

from typing import Any

import botocore.session
import pytest

from local_sagemaker.errors import ValidationException
from local_sagemaker.operations.jobs.channel_rules import STRUCTURES, check_channels

FILE = {"TrainingInputMode": "File"}


def channel(source: dict[str, Any] | None = None, **members: Any) -> dict[str, Any]:
    s3 = {"S3DataType": "S3Prefix", "S3Uri": "s3://b/train", **(source or {})}
    return {"ChannelName": "train", "DataSource": {"S3DataSource": s3}, **members}


AUGMENTED = {"S3DataType": "AugmentedManifestFile", "AttributeNames": ["source-ref", "label"]}


@pytest.mark.parametrize(
    ("given", "algorithm"),
    [
        (channel(), FILE),
        (channel({"S3DataDistributionType": "ShardedByS3Key"}, InputMode="FastFile"), FILE),
        (channel({"S3DataType": "ManifestFile"}, ContentType="image/jpeg"), {"TrainingInputMode": "FastFile"}),
        (channel(AUGMENTED, CompressionType="None", RecordWrapperType="None"), FILE),
        (channel(InputMode="File"), {"TrainingInputMode": "Pipe"}),
        (channel({"S3Uri": "file:///data/dogs", "InstanceGroupNames": ["here"]}), FILE),
    ],
)
def test_supported(given: dict[str, Any], algorithm: dict[str, str]) -> None:
    check_channels([given], algorithm, {"InstanceGroups": [{"InstanceGroupName": "here"}]})


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (channel(InputMode="Pipe"), "train: InputMode Pipe: use File or FastFile"),
        (channel(CompressionType="Gzip"), "CompressionType Gzip belongs to Pipe mode: in File mode leave it out"),
        (channel(RecordWrapperType="RecordIO"), "RecordWrapperType RecordIO belongs to Pipe"),
        (channel(ShuffleConfig={"Seed": 1}), "ShuffleConfig: .*shuffle in the script"),
        (channel(ChannelName=".."), "more than dots"),
        (channel({"S3DataType": "Converse"}), "S3DataType Converse: use one of S3Prefix"),
        (channel({"AttributeNames": ["a"]}), "AttributeNames belong to"),
        (channel({"S3DataType": "AugmentedManifestFile"}), "needs AttributeNames"),
        (channel(AUGMENTED, InputMode="FastFile"), "FastFile mode does not support AugmentedManifestFile"),
        (channel({"InstanceGroupNames": ["g"]}), "InstanceGroupNames: 'g' is not one of"),
        (channel({"HubAccessConfig": {"HubContentArn": "arn"}}), "HubAccessConfig: .*copy"),
        (channel({"S3Uri": "https://b/x"}), "S3Uri 'https://b/x' is not a valid S3 URI"),
        (channel(DataSource={"FileSystemDataSource": {"FileSystemId": "fs"}}), "copy the data to S3"),
        (channel(DataSource={}), "needs an S3DataSource"),
        (channel(SomethingNew="x"), "SomethingNew"),
    ],
)
def test_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationException, match=message):
        check_channels([given], FILE, {})


def test_names_are_unique() -> None:
    with pytest.raises(ValidationException, match="Duplicate channel name 'train'"):
        check_channels([channel(), channel()], FILE, {})


def test_every_member_is_decided() -> None:
    model = botocore.session.get_session().get_service_model("sagemaker")
    for structure in STRUCTURES:
        known = {*structure.honoured, *structure.without_effect, *structure.refused}
        assert known == set(model.shape_for(structure.shape).members), structure.shape  # type: ignore[attr-defined]
