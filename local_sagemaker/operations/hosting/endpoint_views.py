"""What DescribeEndpoint tells of deployments: what is asked for, and what answers at present."""

from collections.abc import Mapping
from typing import Any

from local_sagemaker.engine.endpoints.routing import Route, RoutedVariant, Traffic
from local_sagemaker.engine.endpoints.traffic_shift import shift
from local_sagemaker.store.deployments import Deployment, Variant
from local_sagemaker.store.endpoints import Endpoint

_VARIANT_STATUSES = {"Creating", "Updating", "Deleting"}  # of the endpoint, told of its variants too


def production_variants(endpoint: Endpoint, deployment: Deployment, traffic: Traffic | None) -> list[dict[str, Any]]:
    """ProductionVariants: weights, servers that answer, and what the endpoint is at."""
    former = {variant.name: variant for variant in deployment.former_variants or ()}
    routed = _routed(traffic.route) if traffic is not None else {}
    status = []
    if endpoint.status in _VARIANT_STATUSES:
        status = [{"Status": endpoint.status, "StartTime": endpoint.modified_at}]
    return [
        {
            **_summary(variant, former.get(variant.name, variant), routed.get(variant.name), deployment.created_at),
            **({"VariantStatus": status} if status else {}),
        }
        for variant in deployment.variants
    ]


def pending_deployment(pending: Deployment, traffic: Traffic | None, now: float) -> dict[str, Any]:
    """PendingDeploymentSummary of an update that is under way."""
    routed = _routed(traffic.incoming) if traffic is not None and traffic.incoming is not None else {}
    status = {"Status": "Creating", "StartTime": pending.created_at}
    if pending.shift_started_at is not None:
        step = shift(pending.deployment_config, pending.instance_count, now - pending.shift_started_at)
        status = {"Status": "Baking" if step.baking else "ActivatingTraffic", "StartTime": pending.shift_started_at}
    return {
        "EndpointConfigName": pending.config_name,
        "StartTime": pending.created_at,
        "ProductionVariants": [
            {
                **_summary(variant, variant, routed.get(variant.name), pending.created_at),
                **({"InstanceType": variant.instance_type} if variant.instance_type else {}),
                "VariantStatus": [status],
            }
            for variant in pending.variants
        ],
    }


def data_capture(config: Mapping[str, Any]) -> dict[str, Any]:
    """DataCaptureConfig as DescribeEndpoint answers it."""
    return {
        "EnableCapture": True,
        "CaptureStatus": "Started",
        "CurrentSamplingPercentage": config["InitialSamplingPercentage"],
        "DestinationS3Uri": config["DestinationS3Uri"],
        "KmsKeyId": config.get("KmsKeyId", ""),
    }


def _routed(route: Route) -> dict[str, RoutedVariant]:
    return {variant.name: variant for variant in route.variants}


def _summary(variant: Variant, former: Variant, routed: RoutedVariant | None, resolved_at: float) -> dict[str, Any]:
    image = {"SpecifiedImage": variant.image, "ResolvedImage": variant.image, "ResolutionTime": resolved_at}
    summary = {
        "VariantName": variant.name,
        "DeployedImages": [image],
        "CurrentWeight": routed.weight if routed is not None else former.weight,
        "DesiredWeight": variant.weight,
    }
    if variant.serverless is not None:  # it has no instances
        return {
            **summary,
            "CurrentServerlessConfig": former.serverless,
            "DesiredServerlessConfig": variant.serverless,
        }
    return {
        **summary,
        "CurrentInstanceCount": len(routed.servers) if routed is not None else 0,
        "DesiredInstanceCount": variant.instance_count,
    }
