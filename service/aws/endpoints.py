"""SageMaker's endpoints: what is there, create, update, delete."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from service.aws import resource_tags
from service.aws.clients import Clients
from service.aws.errors import is_in_use, is_not_found, problems


@dataclass(frozen=True)
class EndpointState:
    """What DescribeEndpoint and ListEndpoints say; a list leaves out all after `last_modified_at`."""

    name: str
    arn: str
    status: str
    created_at: datetime
    last_modified_at: datetime
    config_name: str | None = None
    failure_reason: str | None = None
    instance_counts: Mapping[str, tuple[int | None, int | None]] = field(default_factory=dict)
    """Variant -> (desired, current)."""


@problems()
def describe(clients: Clients, name: str) -> EndpointState | None:
    """The endpoint, or None when there is none of this name."""
    try:
        answer = clients.sagemaker.describe_endpoint(EndpointName=name)
    except ClientError as error:
        if is_not_found(error):
            return None
        raise
    return EndpointState(
        name=answer["EndpointName"],
        arn=answer["EndpointArn"],
        status=answer["EndpointStatus"],
        created_at=answer["CreationTime"],
        last_modified_at=answer["LastModifiedTime"],
        config_name=answer.get("EndpointConfigName"),
        failure_reason=answer.get("FailureReason"),
        instance_counts={
            variant["VariantName"]: (variant.get("DesiredInstanceCount"), variant.get("CurrentInstanceCount"))
            for variant in answer.get("ProductionVariants", [])
        },
    )


@problems()
def list_page(
    clients: Clients,
    *,
    limit: int,
    cursor: str | None = None,
    name_contains: str | None = None,
    status: str | None = None,
    created_after: datetime | None = None,
    created_before: datetime | None = None,
    sort_by: str = "CreationTime",
    sort_order: str = "Descending",
) -> tuple[Sequence[EndpointState], str | None]:
    """One page of endpoints, and the cursor of the next."""
    query: dict[str, Any] = {
        "MaxResults": limit,
        "NextToken": cursor,
        "NameContains": name_contains,
        "StatusEquals": status,
        "CreationTimeAfter": created_after,
        "CreationTimeBefore": created_before,
        "SortBy": sort_by,
        "SortOrder": sort_order,
    }
    answer = clients.sagemaker.list_endpoints(**{key: value for key, value in query.items() if value is not None})
    states = [
        EndpointState(
            name=item["EndpointName"],
            arn=item["EndpointArn"],
            status=item["EndpointStatus"],
            created_at=item["CreationTime"],
            last_modified_at=item["LastModifiedTime"],
        )
        for item in answer["Endpoints"]
    ]
    return states, answer.get("NextToken")


@problems()
def create(clients: Clients, name: str, config_name: str, tags: Mapping[str, str]) -> bool:
    """Create the endpoint; False when one of this name is there already."""
    try:
        clients.sagemaker.create_endpoint(
            EndpointName=name, EndpointConfigName=config_name, Tags=resource_tags.to_aws(tags)
        )
    except ClientError as error:
        if is_in_use(error):
            return False
        raise
    return True


@problems()
def update(clients: Clients, name: str, config_name: str) -> None:
    """Give the endpoint another config; SageMaker changes over without a gap."""
    clients.sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=config_name)


@problems()
def delete(clients: Clients, name: str) -> None:
    """Delete the endpoint; one that is gone already is no error."""
    try:
        clients.sagemaker.delete_endpoint(EndpointName=name)
    except ClientError as error:
        if not is_not_found(error):
            raise
