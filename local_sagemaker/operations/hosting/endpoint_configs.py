"""CreateEndpointConfig, DescribeEndpointConfig, ListEndpointConfigs, DeleteEndpointConfig."""

from typing import Any

from local_sagemaker.operations import listing
from local_sagemaker.operations.context import Context
from local_sagemaker.operations.hosting import definition
from local_sagemaker.operations.hosting.endpoint_config_rules import check_config
from local_sagemaker.operations.tags import check_tags
from local_sagemaker.store import pages


def create_endpoint_config(context: Context, members: dict[str, Any]) -> dict[str, Any]:
    """Remember a configuration whose models exist."""
    check_tags(members.get("Tags") or [])
    check_config(members)
    for variant in members["ProductionVariants"]:
        definition.find(context, "model", variant["ModelName"])
    config = definition.keep(context, "endpoint-config", members["EndpointConfigName"], members)
    return {"EndpointConfigArn": config.arn}


def describe_endpoint_config(context: Context, members: dict[str, Any]) -> dict[str, Any]:
    """The configuration as it was created."""
    config = definition.find(context, "endpoint-config", members["EndpointConfigName"])
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
    rows, next_token = listing.rows(context.database, pages.ENDPOINT_CONFIGS, members)
    summaries = [
        {"EndpointConfigName": row["name"], "EndpointConfigArn": row["arn"], "CreationTime": row["created_at"]}
        for row in rows
    ]
    return listing.answer("EndpointConfigs", summaries, next_token)


def delete_endpoint_config(context: Context, members: dict[str, Any]) -> dict[str, Any]:
    """Forget a configuration. Endpoints that use it go on."""
    definition.forget(context, "endpoint-config", members["EndpointConfigName"])
    return {}
