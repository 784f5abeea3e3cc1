"""SageMaker's endpoint configs: which models on which instances. They never change."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from service.aws import resource_tags
from service.aws.clients import Clients
from service.aws.errors import is_in_use, is_not_found, problems


@dataclass(frozen=True)
class ServerlessCapacity:
    """What a serverless variant may take."""

    memory_size_mb: int
    max_concurrency: int
    provisioned_concurrency: int | None = None


@dataclass(frozen=True)
class ProductionVariant:
    """One model on some instances, or serverless, with neither type nor count then."""

    name: str
    model_name: str
    instance_type: str | None = None
    instance_count: int | None = None
    serverless: ServerlessCapacity | None = None


@dataclass(frozen=True)
class AsyncInference:
    """Where an asynchronous endpoint writes, as s3:// URIs, and how many invocations an instance gets at once."""

    output_path: str
    failure_path: str | None = None
    max_concurrent_invocations: int | None = None


@dataclass(frozen=True)
class EndpointConfig:
    """What an endpoint is made of."""

    name: str
    variants: Sequence[ProductionVariant]
    asynchronous: AsyncInference | None = None


@problems()
def create(clients: Clients, config: EndpointConfig, tags: Mapping[str, str]) -> None:
    """Create a config. One of this name is left as it is: names carry the digest of the content."""
    optional: Any = {"AsyncInferenceConfig": _async_members(config.asynchronous)} if config.asynchronous else {}
    try:
        clients.sagemaker.create_endpoint_config(
            EndpointConfigName=config.name,
            ProductionVariants=[_variant_members(variant) for variant in config.variants],
            Tags=resource_tags.to_aws(tags),
            **optional,
        )
    except ClientError as error:
        if not is_in_use(error):
            raise


@problems()
def describe(clients: Clients, name: str) -> EndpointConfig | None:
    """The config, or None when there is none of this name."""
    try:
        answer = clients.sagemaker.describe_endpoint_config(EndpointConfigName=name)
    except ClientError as error:
        if is_not_found(error):
            return None
        raise
    asynchronous = answer.get("AsyncInferenceConfig")
    return EndpointConfig(
        name=answer["EndpointConfigName"],
        variants=[_variant(variant) for variant in answer["ProductionVariants"]],
        asynchronous=_async_inference(asynchronous) if asynchronous else None,
    )


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


def _variant_members(variant: ProductionVariant) -> Any:  # Any: the stubs know instance types only as literals
    members: dict[str, Any] = {
        "VariantName": variant.name,
        "ModelName": variant.model_name,
        "InitialVariantWeight": 1.0,
    }
    if variant.serverless is None:
        return {**members, "InstanceType": variant.instance_type, "InitialInstanceCount": variant.instance_count}
    serverless = {
        "MemorySizeInMB": variant.serverless.memory_size_mb,
        "MaxConcurrency": variant.serverless.max_concurrency,
        "ProvisionedConcurrency": variant.serverless.provisioned_concurrency,
    }
    return {**members, "ServerlessConfig": _given(serverless)}


def _async_members(asynchronous: AsyncInference) -> dict[str, Any]:
    client = _given({"MaxConcurrentInvocationsPerInstance": asynchronous.max_concurrent_invocations})
    output = _given({"S3OutputPath": asynchronous.output_path, "S3FailurePath": asynchronous.failure_path})
    return {"OutputConfig": output, **({"ClientConfig": client} if client else {})}


def _variant(members: Mapping[str, Any]) -> ProductionVariant:
    serverless = members.get("ServerlessConfig")
    return ProductionVariant(
        name=members["VariantName"],
        model_name=members.get("ModelName", ""),
        instance_type=members.get("InstanceType"),
        instance_count=members.get("InitialInstanceCount"),
        serverless=ServerlessCapacity(
            memory_size_mb=serverless["MemorySizeInMB"],
            max_concurrency=serverless["MaxConcurrency"],
            provisioned_concurrency=serverless.get("ProvisionedConcurrency"),
        )
        if serverless
        else None,
    )


def _async_inference(members: Mapping[str, Any]) -> AsyncInference:
    output = members["OutputConfig"]
    return AsyncInference(
        output_path=output.get("S3OutputPath", ""),
        failure_path=output.get("S3FailurePath"),
        max_concurrent_invocations=members.get("ClientConfig", {}).get("MaxConcurrentInvocationsPerInstance"),
    )


def _given(members: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}
