"""CreateEndpointConfig, DescribeEndpointConfig, ListEndpointConfigs, DeleteEndpointConfig."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from diagnostics.instances import UnknownInstanceType, instance_type
from local_sagemaker.errors import ValidationException
from local_sagemaker.operations import listing
from local_sagemaker.operations.context import Context
from local_sagemaker.operations.models import find_model
from local_sagemaker.operations.tags import check_tags
from local_sagemaker.operations.unsupported import refuse, refuse_given, refuse_other
from local_sagemaker.store import definitions, tags
from local_sagemaker.store.definitions import Definition

_CONFIG_ADVICE = {
    "AsyncInferenceConfig": "leave it out and call InvokeEndpoint",
    "DataCaptureConfig": "leave it out; record requests where they are sent",
    "ShadowProductionVariants": "create a second endpoint and send it the same requests",
    "KmsKeyId": "nothing is encrypted here; leave it out",
    "VpcConfig": "models run on this machine; leave it out",
    "EnableNetworkIsolation": "models run as processes of this machine; leave it out",
    "CrossRegionTrafficConfig": "there is one machine; leave it out",
}
_CONFIG_MEMBERS = ("EndpointConfigName", "ProductionVariants", "ExecutionRoleArn")
_VARIANT_ADVICE = {
    "ServerlessConfig": "give InstanceType and InitialInstanceCount",
    "InstancePools": "give one InstanceType",
    "VariantInstanceProvisionTimeoutInSeconds": "it belongs to InstancePools; leave it out",
    "EnableSSMAccess": "models run on this machine; look at their processes directly",
    "ManagedInstanceScaling": "give a fixed InitialInstanceCount",
    "InferenceAmiVersion": "models run on this machine; leave it out",
}
_VARIANT_MEMBERS = (
    "VariantName",
    "ModelName",
    "InitialInstanceCount",
    "InstanceType",
    "InitialVariantWeight",
    "VolumeSizeInGB",
    "ModelDataDownloadTimeoutInSeconds",
    "ContainerStartupHealthCheckTimeoutInSeconds",
    "RoutingConfig",
)
ROUTING_STRATEGIES = ("LEAST_OUTSTANDING_REQUESTS", "RANDOM")


def create_endpoint_config(context: Context, members: dict[str, Any]) -> dict[str, Any]:
    """Remember a configuration whose models exist."""
    members = dict(members)
    given_tags = members.pop("Tags", [])
    check_tags(given_tags)
    refuse_given(members, _CONFIG_ADVICE)
    refuse_other(members, _CONFIG_MEMBERS)
    _check_variants(context, members["ProductionVariants"])
    name = members["EndpointConfigName"]
    config = Definition("endpoint-config", name, context.arn("endpoint-config", name), time.time(), members)
    with context.database.transaction():
        if not definitions.insert(context.database, config):
            raise ValidationException(f'Cannot create already existing endpoint configuration "{config.arn}".')
        tags.put_tags(context.database, config.arn, given_tags)
    return {"EndpointConfigArn": config.arn}


def describe_endpoint_config(context: Context, members: dict[str, Any]) -> dict[str, Any]:
    """The configuration as it was created."""
    config = find_endpoint_config(context, members["EndpointConfigName"])
    variants = [{"InitialVariantWeight": 1.0, **variant} for variant in config.members["ProductionVariants"]]
    return {
        "EnableNetworkIsolation": False,
        **config.members,
        "ProductionVariants": variants,
        "EndpointConfigArn": config.arn,
        "CreationTime": config.created_at,
    }


def list_endpoint_configs(context: Context, members: dict[str, Any]) -> dict[str, Any]:
    """A page of configurations."""
    rows, next_token = listing.page(definitions.all_of(context.database, "endpoint-config"), members)
    summaries = [
        {"EndpointConfigName": row.name, "EndpointConfigArn": row.arn, "CreationTime": row.created_at} for row in rows
    ]
    return listing.answer("EndpointConfigs", summaries, next_token)


def delete_endpoint_config(context: Context, members: dict[str, Any]) -> dict[str, Any]:
    """Forget a configuration. Endpoints that use it go on."""
    config = find_endpoint_config(context, members["EndpointConfigName"])
    with context.database.transaction():
        definitions.delete(context.database, config)
        tags.delete_tags(context.database, config.arn)
    return {}


def find_endpoint_config(context: Context, name: str) -> Definition:
    """The configuration of that name. Raises ValidationException in AWS's words."""
    config = definitions.find(context.database, "endpoint-config", name)
    if config is None:
        arn = context.arn("endpoint-config", name)
        raise ValidationException(f'Could not find endpoint configuration "{arn}".')
    return config


def _check_variants(context: Context, variants: Sequence[Mapping[str, Any]]) -> None:
    twice = [name for name, count in Counter(variant["VariantName"] for variant in variants).items() if count > 1]
    if twice:
        raise ValidationException(f"Production variant names must be unique; used twice: {', '.join(twice)}")
    for variant in variants:
        _check_variant(context, variant)
    if not sum(variant.get("InitialVariantWeight", 1.0) for variant in variants):
        raise ValidationException("At least one production variant needs an InitialVariantWeight above 0")


def _check_variant(context: Context, variant: Mapping[str, Any]) -> None:
    where = f"Production variant {variant['VariantName']}"
    refuse_given(variant, _VARIANT_ADVICE, f"{where}: ")
    refuse_other(variant, _VARIANT_MEMBERS, f"{where}: ")
    for name in ("ModelName", "InstanceType", "InitialInstanceCount"):
        if not variant.get(name):
            raise ValidationException(f"{where} needs {name}")
    find_model(context, variant["ModelName"])
    try:
        instance_type(variant["InstanceType"])
    except UnknownInstanceType as error:
        raise ValidationException(f"{where}: InstanceType {error}") from error
    strategy = variant.get("RoutingConfig", {}).get("RoutingStrategy", ROUTING_STRATEGIES[0])
    if strategy not in ROUTING_STRATEGIES:
        refuse(f"{where}: RoutingStrategy {strategy}", f"use one of {', '.join(ROUTING_STRATEGIES)}")
