"""CreateEndpointConfig, DescribeEndpointConfig, ListEndpointConfigs, DeleteEndpointConfig."""

from typing import Any

from local_sagemaker import clock
from local_sagemaker.errors import ValidationException
from local_sagemaker.operations import listing
from local_sagemaker.operations.context import Context
from local_sagemaker.operations.hosting.endpoint_config_rules import check_config
from local_sagemaker.operations.hosting.models import find_model
from local_sagemaker.operations.tags import check_tags
from local_sagemaker.store import definitions, pages, tags
from local_sagemaker.store.definitions import Definition


def create_endpoint_config(context: Context, members: dict[str, Any]) -> dict[str, Any]:
    """Remember a configuration whose models exist."""
    members = dict(members)
    given_tags = members.pop("Tags", [])
    check_tags(given_tags)
    check_config(members)
    for variant in members["ProductionVariants"]:
        find_model(context, variant["ModelName"])
    name = members["EndpointConfigName"]
    config = Definition("endpoint-config", name, context.arn("endpoint-config", name), clock.now(), members)
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
    rows, next_token = listing.rows(context.database, pages.ENDPOINT_CONFIGS, members)
    summaries = [
        {"EndpointConfigName": row["name"], "EndpointConfigArn": row["arn"], "CreationTime": row["created_at"]}
        for row in rows
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
