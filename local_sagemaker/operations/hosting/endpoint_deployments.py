"""Deployments as they are asked for: from a configuration and its models, from one before, or by new weights."""

import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from local_sagemaker.errors import ValidationException
from local_sagemaker.operations.context import Context
from local_sagemaker.operations.coverage import Structure
from local_sagemaker.operations.hosting import definition
from local_sagemaker.operations.hosting.endpoint_config_rules import check_concurrency
from local_sagemaker.operations.hosting.model_rules import container_of, model_data
from local_sagemaker.store.deployments import Deployment, Variant

CHANGE = Structure(
    "DesiredWeightAndCapacity",
    honoured=("VariantName", "DesiredWeight", "DesiredInstanceCount", "ServerlessUpdateConfig"),
)
SERVERLESS_CHANGE = Structure(
    "ProductionVariantServerlessUpdateConfig", honoured=("MaxConcurrency", "ProvisionedConcurrency")
)

STRUCTURES = (CHANGE, SERVERLESS_CHANGE)


def new_deployment(context: Context, endpoint_name: str, config_name: str, now: float) -> Deployment:
    """What the configuration and its models say now; later they may be deleted."""
    config = definition.find(context, "endpoint-config", config_name)
    variants = tuple(_variant(context, variant) for variant in config.members["ProductionVariants"])
    capture = config.members.get("DataCaptureConfig", {})
    return Deployment(
        secrets.token_hex(6),
        endpoint_name,
        config.name,
        now,
        variants,
        async_inference=config.members.get("AsyncInferenceConfig"),
        data_capture=capture if capture.get("EnableCapture") else None,
    )


def retained(new: Deployment, current: Deployment, excluded: set[str]) -> Deployment:
    """`new` with the weights, instance counts and data capture of now, but for what is `excluded`."""
    now = {variant.name: variant for variant in current.variants}
    return replace(
        new,
        data_capture=new.data_capture if "DataCaptureConfig" in excluded else current.data_capture,
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


def changed(current: Deployment, changes: Sequence[Mapping[str, Any]]) -> Deployment:
    """`current` with DesiredWeightsAndCapacities. Raises ValidationException."""
    twice = [name for name, count in Counter(change["VariantName"] for change in changes).items() if count > 1]
    if twice:
        raise ValidationException(f"Each variant may be given once; given twice: {', '.join(twice)}")
    by_name = {change["VariantName"]: change for change in changes}
    unknown = sorted(set(by_name) - {variant.name for variant in current.variants})
    if unknown:
        raise ValidationException(f"The endpoint has no variant {', '.join(unknown)}")
    variants = tuple(
        _changed(variant, by_name[variant.name]) if variant.name in by_name else variant for variant in current.variants
    )
    if not sum(variant.weight for variant in variants):
        raise ValidationException("At least one production variant needs a DesiredWeight above 0")
    return replace(current, variants=variants)


def _changed(variant: Variant, change: Mapping[str, Any]) -> Variant:
    where = f"Variant {variant.name}"
    CHANGE.check(change, f"{where}: ")
    if not {"DesiredWeight", "DesiredInstanceCount", "ServerlessUpdateConfig"} & change.keys():
        raise ValidationException(f"{where} needs DesiredWeight, DesiredInstanceCount or ServerlessUpdateConfig")
    found = replace(variant, weight=change.get("DesiredWeight", variant.weight))
    if "DesiredInstanceCount" in change:
        if variant.serverless is not None:
            raise ValidationException(f"{where} is serverless; give ServerlessUpdateConfig, not DesiredInstanceCount")
        if change["DesiredInstanceCount"] < 1:
            raise ValidationException(f"{where}: DesiredInstanceCount must be at least 1")
        found = replace(found, instance_count=change["DesiredInstanceCount"])
    if "ServerlessUpdateConfig" in change:
        if variant.serverless is None:
            raise ValidationException(f"{where} has instances; give DesiredInstanceCount, not ServerlessUpdateConfig")
        SERVERLESS_CHANGE.check(change["ServerlessUpdateConfig"], f"{where}: ServerlessUpdateConfig.")
        serverless = {**variant.serverless, **change["ServerlessUpdateConfig"]}
        check_concurrency(serverless, where)
        found = replace(found, serverless=serverless)
    return found


def _variant(context: Context, members: Mapping[str, Any]) -> Variant:
    container = container_of(definition.find(context, "model", members["ModelName"]).members)
    data = model_data(container)
    return Variant(
        name=members["VariantName"],
        model_name=members["ModelName"],
        image=container["Image"],
        model_data_url=data.url,
        environment=container.get("Environment", {}),
        instance_type=members.get("InstanceType", ""),
        instance_count=members.get("InitialInstanceCount", 0),
        weight=members.get("InitialVariantWeight", 1.0),
        least_loaded=members.get("RoutingConfig", {}).get("RoutingStrategy") != "RANDOM",
        volume_size_gb=members.get("VolumeSizeInGB"),
        download_timeout_seconds=members.get("ModelDataDownloadTimeoutInSeconds"),
        startup_timeout_seconds=members.get("ContainerStartupHealthCheckTimeoutInSeconds"),
        model_data_compressed=data.compressed,
        serverless=members.get("ServerlessConfig"),
    )
