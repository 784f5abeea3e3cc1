"""SageMaker's endpoint configs: which models on which instances. They never change."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from service.aws import resource_tags
from service.aws.clients import Clients
from service.aws.errors import is_in_use, is_not_found, problems


@dataclass(frozen=True)
class ProductionVariant:
    """One model on some instances. Serverless variants have neither type nor count."""

    name: str
    model_name: str
    instance_type: str | None
    instance_count: int | None


@problems()
def create(clients: Clients, name: str, variant: ProductionVariant, tags: Mapping[str, str]) -> None:
    """Create a config of one variant. One of this name is left as it is: names carry the digest of the content."""
    production_variant: Any = {  # Any: the stubs know instance types only as literals
        "VariantName": variant.name,
        "ModelName": variant.model_name,
        "InstanceType": variant.instance_type,
        "InitialInstanceCount": variant.instance_count,
        "InitialVariantWeight": 1.0,
    }
    try:
        clients.sagemaker.create_endpoint_config(
            EndpointConfigName=name,
            ProductionVariants=[production_variant],
            Tags=resource_tags.to_aws(tags),
        )
    except ClientError as error:
        if not is_in_use(error):
            raise


@problems()
def describe(clients: Clients, name: str) -> Sequence[ProductionVariant] | None:
    """The config's variants, or None when there is no config of this name."""
    try:
        answer = clients.sagemaker.describe_endpoint_config(EndpointConfigName=name)
    except ClientError as error:
        if is_not_found(error):
            return None
        raise
    return [
        ProductionVariant(
            name=variant["VariantName"],
            model_name=variant.get("ModelName", ""),
            instance_type=variant.get("InstanceType"),
            instance_count=variant.get("InitialInstanceCount"),
        )
        for variant in answer["ProductionVariants"]
    ]


@problems()
def names_and_arns(clients: Clients, name_contains: str) -> list[tuple[str, str]]:
    """Every config whose name contains the text."""
    pages = clients.sagemaker.get_paginator("list_endpoint_configs").paginate(NameContains=name_contains)
    return [
        (config["EndpointConfigName"], config["EndpointConfigArn"])
        for page in pages
        for config in page["EndpointConfigs"]
    ]


@problems()
def delete(clients: Clients, name: str) -> None:
    """Delete the config; one that is gone already is no error."""
    try:
        clients.sagemaker.delete_endpoint_config(EndpointConfigName=name)
    except ClientError as error:
        if not is_not_found(error):
            raise
