"""Every kind of resource that takes tags has them, through the operations that botocore calls."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.local_server import boto_client, running_server

IMAGE = "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-inference:2.5.1-cpu-py311"
ROLE = "arn:aws:iam::123456789012:role/SageMakerRole"
TAGS = [{"Key": "team", "Value": "dogs"}]


@pytest.fixture(scope="module")
def sagemaker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A client of a server of this module's own."""
    with running_server(Path(tmp_path_factory.mktemp("state"))) as server:
        yield boto_client(server, "sagemaker")


def resource(sagemaker: Any, kind: str) -> str:
    """Make a resource of a kind, with a tag; its ARN."""
    sagemaker.create_model(
        ModelName=f"m-{kind}",
        ExecutionRoleArn=ROLE,
        PrimaryContainer={"Image": IMAGE, "ModelDataUrl": "s3://none/model.tar.gz"},
        Tags=TAGS,
    )
    if kind == "model":
        return str(sagemaker.describe_model(ModelName=f"m-{kind}")["ModelArn"])
    variant = {
        "VariantName": "AllTraffic",
        "ModelName": f"m-{kind}",
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 1,
    }
    config = sagemaker.create_endpoint_config(EndpointConfigName=f"c-{kind}", ProductionVariants=[variant], Tags=TAGS)
    if kind == "endpoint-config":
        return str(config["EndpointConfigArn"])
    endpoint = sagemaker.create_endpoint(EndpointName=f"e-{kind}", EndpointConfigName=f"c-{kind}", Tags=TAGS)
    return str(endpoint["EndpointArn"])


@pytest.mark.parametrize("kind", ["model", "endpoint-config", "endpoint"])
def test_tags_are_listed_added_and_deleted(sagemaker: Any, kind: str) -> None:
    arn = resource(sagemaker, kind)
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == TAGS
    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "stage", "Value": "test"}])
    sagemaker.delete_tags(ResourceArn=arn, TagKeys=["team"])
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "stage", "Value": "test"}]
