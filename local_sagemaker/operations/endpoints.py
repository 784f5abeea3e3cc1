"""CreateEndpoint, DescribeEndpoint, ListEndpoints, UpdateEndpoint, DeleteEndpoint."""

import secrets
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from local_sagemaker.errors import ValidationException
from local_sagemaker.operations import listing
from local_sagemaker.operations.context import Context
from local_sagemaker.operations.endpoint_configs import find_endpoint_config
from local_sagemaker.operations.models import find_model, model_data_url
from local_sagemaker.operations.tags import check_tags
from local_sagemaker.operations.unsupported import refuse, refuse_given
from local_sagemaker.store import endpoints as store
from local_sagemaker.store import tags
from local_sagemaker.store.endpoints import Deployment, Endpoint, Variant

_DEPLOYMENT_ADVICE = {
    "RollingUpdatePolicy": "an update replaces all model servers at once, without a failed request; leave it out",
    "AutoRollbackConfiguration": "there are no alarms here; an update whose model servers do not answer is rolled back",
}


def create_endpoint(context: Context, members: dict[str, Any]) -> dict[str, Any]:
    """Begin to bring an endpoint up."""
    given_tags = members.get("Tags", [])
    check_tags(given_tags)
    _check_deployment_config(members)
    name, now = members["EndpointName"], time.time()
    deployment = _deployment(context, name, members["EndpointConfigName"], now)
    endpoint = Endpoint(name, context.arn("endpoint", name), "Creating", None, now, now, None, deployment.id)
    with context.database.transaction():
        if not store.insert(context.database, endpoint, deployment):
            raise ValidationException(f'Cannot create already existing endpoint "{endpoint.arn}".')
        tags.put_tags(context.database, endpoint.arn, given_tags)
    context.wake_engine.set()
    return {"EndpointArn": endpoint.arn}


def describe_endpoint(context: Context, members: dict[str, Any]) -> dict[str, Any]:
    """The endpoint, its variants, and how many of their model servers answer now."""
    endpoint = find_endpoint(context, members["EndpointName"])
    described: dict[str, Any] = {
        "EndpointName": endpoint.name,
        "EndpointArn": endpoint.arn,
        "EndpointStatus": endpoint.status,
        "CreationTime": endpoint.created_at,
        "LastModifiedTime": endpoint.modified_at,
    }
    if endpoint.failure_reason:
        described["FailureReason"] = endpoint.failure_reason
    deployment = store.deployment(context.database, endpoint.described_id or "")
    if deployment is not None:
        described["EndpointConfigName"] = deployment.config_name
        described["ProductionVariants"] = _variants(deployment, _answering(context, endpoint))
    pending = store.deployment(context.database, endpoint.pending_id or "")
    if endpoint.status == "Updating" and pending is not None:
        described["PendingDeploymentSummary"] = {
            "EndpointConfigName": pending.config_name,
            "ProductionVariants": _variants(pending, {}),
            "StartTime": pending.created_at,
        }
    return described


def list_endpoints(context: Context, members: dict[str, Any]) -> dict[str, Any]:
    """A page of endpoints."""
    rows, next_token = listing.page(store.all_endpoints(context.database), members)
    summaries = [
        {
            "EndpointName": row.name,
            "EndpointArn": row.arn,
            "CreationTime": row.created_at,
            "LastModifiedTime": row.modified_at,
            "EndpointStatus": row.status,
        }
        for row in rows
    ]
    return listing.answer("Endpoints", summaries, next_token)


def update_endpoint(context: Context, members: dict[str, Any]) -> dict[str, Any]:
    """Begin to replace all model servers at once; the old ones answer until the new ones do.

    RetainDeploymentConfig changes nothing: there is only this one way, so it is always the last one too.
    """
    _check_deployment_config(members)
    excluded = {item["VariantPropertyType"] for item in members.get("ExcludeRetainedVariantProperties", [])}
    if excluded and not members.get("RetainAllVariantProperties"):
        raise ValidationException("ExcludeRetainedVariantProperties needs RetainAllVariantProperties to be true")
    endpoint, now = find_endpoint(context, members["EndpointName"]), time.time()
    deployment = _deployment(context, endpoint.name, members["EndpointConfigName"], now)
    if members.get("RetainAllVariantProperties"):
        current = store.deployment(context.database, endpoint.active_id or "")
        deployment = _retained(deployment, current, excluded) if current else deployment
    if not store.begin_update(context.database, endpoint.name, deployment, now):
        raise _refused(context, endpoint.name, "update")
    context.wake_engine.set()
    return {"EndpointArn": endpoint.arn}


def delete_endpoint(context: Context, members: dict[str, Any]) -> dict[str, Any]:
    """Begin to let an endpoint go: invocations under way are answered, then its model servers end."""
    endpoint = find_endpoint(context, members["EndpointName"])
    if not store.begin_deletion(context.database, endpoint.name, time.time()):
        raise _refused(context, endpoint.name, "delete")
    context.wake_engine.set()
    return {}


def find_endpoint(context: Context, name: str) -> Endpoint:
    """The endpoint of that name. Raises ValidationException in AWS's words."""
    endpoint = store.find(context.database, name)
    if endpoint is None:
        raise ValidationException(f'Could not find endpoint "{context.arn("endpoint", name)}".')
    return endpoint


def _refused(context: Context, name: str, verb: str) -> ValidationException:
    endpoint = find_endpoint(context, name)
    if endpoint.status == "Failed":
        return ValidationException(
            f'Cannot {verb} endpoint "{endpoint.arn}" in status Failed; delete it, then create it'
        )
    return ValidationException(f'Cannot update in-progress endpoint "{endpoint.arn}".')


def _check_deployment_config(members: Mapping[str, Any]) -> None:
    config = members.get("DeploymentConfig", {})
    refuse_given(config, _DEPLOYMENT_ADVICE, "DeploymentConfig.")
    policy = config.get("BlueGreenUpdatePolicy")
    if not policy:
        return
    routing = policy["TrafficRoutingConfiguration"]
    if routing["Type"] != "ALL_AT_ONCE":
        refuse(f"traffic routing of Type {routing['Type']}", "use ALL_AT_ONCE")
    if routing["WaitIntervalInSeconds"]:
        refuse("a WaitIntervalInSeconds above 0", "traffic moves when the new model servers answer; give 0")
    advice = "leave it out; the old model servers end when they have answered what they work on"
    refuse_given(policy, {"TerminationWaitInSeconds": advice, "MaximumExecutionTimeoutInSeconds": "leave it out"})


def _deployment(context: Context, endpoint_name: str, config_name: str, now: float) -> Deployment:
    """What the configuration and its models say now; later they may be deleted."""
    config = find_endpoint_config(context, config_name)
    variants = tuple(_variant(context, variant) for variant in config.members["ProductionVariants"])
    return Deployment(secrets.token_hex(6), endpoint_name, config.name, now, variants)


def _variant(context: Context, members: Mapping[str, Any]) -> Variant:
    container = find_model(context, members["ModelName"]).members["PrimaryContainer"]
    return Variant(
        name=members["VariantName"],
        model_name=members["ModelName"],
        image=container["Image"],
        model_data_url=model_data_url(container),
        environment=container.get("Environment", {}),
        instance_type=members["InstanceType"],
        instance_count=members["InitialInstanceCount"],
        weight=members.get("InitialVariantWeight", 1.0),
        least_loaded=members.get("RoutingConfig", {}).get("RoutingStrategy") != "RANDOM",
        volume_size_gb=members.get("VolumeSizeInGB"),
        download_timeout_seconds=members.get("ModelDataDownloadTimeoutInSeconds"),
        startup_timeout_seconds=members.get("ContainerStartupHealthCheckTimeoutInSeconds"),
    )


def _retained(new: Deployment, current: Deployment, excluded: set[str]) -> Deployment:
    """`new` with the weights and instance counts that variants of the same name have now."""
    now = {variant.name: variant for variant in current.variants}
    return replace(
        new,
        variants=tuple(
            replace(
                variant,
                weight=variant.weight if "DesiredWeight" in excluded else now[variant.name].weight,
                instance_count=(
                    variant.instance_count if "DesiredInstanceCount" in excluded else now[variant.name].instance_count
                ),
            )
            if variant.name in now
            else variant
            for variant in new.variants
        ),
    )


def _answering(context: Context, endpoint: Endpoint) -> dict[str, int]:
    route = context.routes.route(endpoint.name)
    return {variant.name: len(variant.servers) for variant in route.variants} if route else {}


def _variants(deployment: Deployment, answering: Mapping[str, int]) -> list[dict[str, Any]]:
    return [
        {
            "VariantName": variant.name,
            "DeployedImages": [
                {
                    "SpecifiedImage": variant.image,
                    "ResolvedImage": variant.image,
                    "ResolutionTime": deployment.created_at,
                }
            ],
            "CurrentWeight": variant.weight,
            "DesiredWeight": variant.weight,
            "CurrentInstanceCount": answering.get(variant.name, 0),
            "DesiredInstanceCount": variant.instance_count,
        }
        for variant in deployment.variants
    ]
