"""Tags of SageMaker's resources, as plain dicts."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from service.aws.clients import Clients
from service.aws.errors import problems

if TYPE_CHECKING:
    from mypy_boto3_sagemaker.type_defs import TagTypeDef

OWNER_TAG = "sagehound:endpoint"  # on models and endpoint configs: the endpoint they were made for


def to_aws(tags: Mapping[str, str]) -> "list[TagTypeDef]":
    """AWS's list form, in the order of the keys."""
    return [{"Key": key, "Value": tags[key]} for key in sorted(tags)]


@problems()
def read(clients: Clients, arn: str) -> dict[str, str]:
    """All tags of the resource."""
    pages = clients.sagemaker.get_paginator("list_tags").paginate(ResourceArn=arn)
    return {tag["Key"]: tag["Value"] for page in pages for tag in page["Tags"]}


@problems()
def replace(clients: Clients, arn: str, wanted: Mapping[str, str]) -> None:
    """Make `wanted` the resource's tags; those that AWS itself sets (aws:) stay. Does nothing when they are so."""
    present = read(clients, arn)
    gone = [key for key in present if key not in wanted and not key.startswith("aws:")]
    new = {key: value for key, value in wanted.items() if present.get(key) != value}
    if gone:
        clients.sagemaker.delete_tags(ResourceArn=arn, TagKeys=gone)
    if new:
        clients.sagemaker.add_tags(ResourceArn=arn, Tags=to_aws(new))
