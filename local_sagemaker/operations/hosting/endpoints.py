"""CreateEndpoint, DescribeEndpoint, ListEndpoints, UpdateEndpoint(WeightsAndCapacities), DeleteEndpoint."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from local_sagemaker import clock
from local_sagemaker.errors import ValidationException
from local_sagemaker.operations import listing
from local_sagemaker.operations.context import Context
from local_sagemaker.operations.coverage import Structure
from local_sagemaker.operations.hosting import endpoint_views
from local_sagemaker.operations.hosting.deployment_config_rules import check_deployment_config
from local_sagemaker.operations.hosting.endpoint_deployments import changed, new_deployment, retained
from local_sagemaker.operations.tags import check_tags
from local_sagemaker.store import deployments, pages, tags
from local_sagemaker.store import endpoints as store
from local_sagemaker.store.deployments import Deployment
from local_sagemaker.store.endpoints import Endpoint

CREATE = Structure("CreateEndpointInput", honoured=("EndpointName", "EndpointConfigName", "DeploymentConfig", "Tags"))
UPDATE = Structure(
    "UpdateEndpointInput",
    honoured=(
        "EndpointName",
        "EndpointConfigName",
        "RetainAllVariantProperties",
        "ExcludeRetainedVariantProperties",
        "DeploymentConfig",
        "RetainDeploymentConfig",
    ),
)
CHANGE = Structure("UpdateEndpointWeightsAndCapacitiesInput", honoured=("EndpointName", "DesiredWeightsAndCapacities"))

STRUCTURES = (CREATE, UPDATE, CHANGE)


def create_endpoint(context: Context, members: dict[str, Any]) -> dict[str, Any]:
    """Begin to bring an endpoint up. A DeploymentConfig is kept for updates that retain it."""
    CREATE.check(members)
    given_tags = members.get("Tags", [])
    check_tags(given_tags)
    name, now = members["EndpointName"], clock.now()
    deployment = new_deployment(context, name, members["EndpointConfigName"], now)
    deployment = _with_deployment_config(deployment, members.get("DeploymentConfig"))
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
    deployment = deployments.find(context.database, endpoint.described_id or "")
    traffic = context.routes.traffic(endpoint.name)
    if deployment is not None:
        described["EndpointConfigName"] = deployment.config_name
        described["ProductionVariants"] = endpoint_views.production_variants(endpoint, deployment, traffic)
        if deployment.deployment_config:
            described["LastDeploymentConfig"] = deployment.deployment_config
        if deployment.async_inference:
            described["AsyncInferenceConfig"] = deployment.async_inference
        if deployment.data_capture:
            described["DataCaptureConfig"] = endpoint_views.data_capture(deployment.data_capture)
    pending = deployments.find(context.database, endpoint.pending_id or "")
    if endpoint.status == "Updating" and pending is not None:
        described["PendingDeploymentSummary"] = endpoint_views.pending_deployment(pending, traffic, clock.now())
    return described


def list_endpoints(context: Context, members: dict[str, Any]) -> dict[str, Any]:
    """A page of endpoints."""
    rows, next_token = listing.rows(context.database, pages.ENDPOINTS, members)
    summaries = [
        {
            "EndpointName": row["name"],
            "EndpointArn": row["arn"],
            "CreationTime": row["created_at"],
            "LastModifiedTime": row["modified_at"],
            "EndpointStatus": row["status"],
        }
        for row in rows
    ]
    return listing.answer("Endpoints", summaries, next_token)


def update_endpoint(context: Context, members: dict[str, Any]) -> dict[str, Any]:
    """Begin to replace all model servers; the old ones answer until traffic has moved to the new ones."""
    UPDATE.check(members)
    excluded = {item["VariantPropertyType"] for item in members.get("ExcludeRetainedVariantProperties", [])}
    if excluded and not members.get("RetainAllVariantProperties"):
        raise ValidationException("ExcludeRetainedVariantProperties needs RetainAllVariantProperties to be true")
    endpoint, now = find_endpoint(context, members["EndpointName"]), clock.now()
    deployment = new_deployment(context, endpoint.name, members["EndpointConfigName"], now)
    current = deployments.find(context.database, endpoint.active_id or "")
    if members.get("RetainAllVariantProperties") and current is not None:
        deployment = retained(deployment, current, excluded)
    deployment = _with_deployment_config(deployment, _deployment_config(members, current))
    if not store.begin_update(context.database, endpoint.name, deployment, now):
        raise _refused(context, endpoint.name, "update")
    context.wake_engine.set()
    return {"EndpointArn": endpoint.arn}


def update_endpoint_weights_and_capacities(context: Context, members: dict[str, Any]) -> dict[str, Any]:
    """Begin to change weights, which counts at once, and instance counts of the variants that answer."""
    CHANGE.check(members)
    endpoint = find_endpoint(context, members["EndpointName"])
    current = deployments.find(context.database, endpoint.active_id or "")
    if endpoint.status != "InService" or current is None:
        raise _refused(context, endpoint.name, "update")
    deployment = changed(current, members["DesiredWeightsAndCapacities"])
    if not store.begin_change(context.database, endpoint.name, deployment, clock.now()):
        raise _refused(context, endpoint.name, "update")
    context.wake_engine.set()
    return {"EndpointArn": endpoint.arn}


def delete_endpoint(context: Context, members: dict[str, Any]) -> dict[str, Any]:
    """Begin to let an endpoint go: invocations under way are answered, then its model servers end."""
    endpoint = find_endpoint(context, members["EndpointName"])
    if not store.begin_deletion(context.database, endpoint.name, clock.now()):
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


def _deployment_config(members: Mapping[str, Any], current: Deployment | None) -> Mapping[str, Any] | None:
    """What is given, or that of the last deployment where it shall be retained."""
    given: Mapping[str, Any] | None = members.get("DeploymentConfig")
    if not members.get("RetainDeploymentConfig"):
        return given
    if given:
        raise ValidationException("DeploymentConfig and RetainDeploymentConfig exclude each other; give one of them")
    return None if current is None else current.deployment_config


def _with_deployment_config(deployment: Deployment, config: Mapping[str, Any] | None) -> Deployment:
    if not config:
        return deployment
    check_deployment_config(config, deployment.instance_count)
    return replace(deployment, deployment_config=config)
