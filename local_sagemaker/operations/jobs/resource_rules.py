"""What jobs may ask for: instances, time, and spot instances."""

from collections.abc import Mapping
from typing import Any

from diagnostics.instances import UnknownInstanceType, instance_type
from local_sagemaker.errors import ValidationException
from local_sagemaker.operations.coverage import Structure
from local_sagemaker.operations.request_values import refuse_twice
from local_sagemaker.operations.unsupported import refuse

MAX_RUNTIME_SECONDS = 2_419_200
MAX_HOSTS = 16
MAX_KEEP_ALIVE_SECONDS = 3600

_NO_KEYS = "nothing is encrypted at rest here; leave it out"
_ONE_TYPE = "give InstanceType and InstanceCount"
RESOURCES = Structure(
    "ResourceConfig",
    honoured=("InstanceType", "InstanceCount", "InstanceGroups", "KeepAlivePeriodInSeconds"),
    without_effect={"VolumeSizeInGB": "jobs have this machine's disk"},
    refused={
        "VolumeKmsKeyId": _NO_KEYS,
        "InstancePreferences": _ONE_TYPE,
        "SelectedInstanceType": _ONE_TYPE,
        "SelectedInstanceCount": _ONE_TYPE,
        "TrainingPlanArn": "there are no training plans; leave it out",
        "InstancePlacementConfig": "jobs run on this machine; leave it out",
    },
)
STOPPING_CONDITION = Structure(
    "StoppingCondition", honoured=("MaxRuntimeInSeconds", "MaxWaitTimeInSeconds", "MaxPendingTimeInSeconds")
)
RETRY_STRATEGY = Structure("RetryStrategy", honoured=("MaximumRetryAttempts",))
STRUCTURES = (RESOURCES, STOPPING_CONDITION, RETRY_STRATEGY)


def check_resources(resources: Mapping[str, Any], where: str) -> None:
    """ResourceConfig, or a tuning job's HyperParameterTuningResourceConfig."""
    RESOURCES.check(resources, f"{where}.")
    groups = resources.get("InstanceGroups") or []
    if groups and (resources.get("InstanceType") or resources.get("InstanceCount")):
        raise ValidationException(f"{where} takes InstanceGroups, or InstanceType and InstanceCount, not both.")
    needed = ("VolumeSizeInGB",) if groups else ("InstanceType", "InstanceCount", "VolumeSizeInGB")
    for name in needed:
        if not resources.get(name):
            raise ValidationException(f"{where}.{name} is required and must be at least 1.")
    refuse_twice("instance group", (group["InstanceGroupName"] for group in groups))
    for group in groups or [resources]:
        _check_instances(group, where)
    hosts = sum(group["InstanceCount"] for group in groups or [resources])
    if hosts > MAX_HOSTS:
        refuse(f"{where} with {hosts} instances", f"all of them run on this machine; use at most {MAX_HOSTS}")
    check_keep_alive(resources, where)
    if resources.get("KeepAlivePeriodInSeconds") and groups:
        raise ValidationException(f"{where} takes InstanceGroups or KeepAlivePeriodInSeconds, not both.")


def check_keep_alive(resources: Mapping[str, Any], where: str) -> None:
    """KeepAlivePeriodInSeconds, also of UpdateTrainingJob. The service model allows six times what is documented."""
    if (resources.get("KeepAlivePeriodInSeconds") or 0) > MAX_KEEP_ALIVE_SECONDS:
        raise ValidationException(
            f"{where}.KeepAlivePeriodInSeconds takes at most {MAX_KEEP_ALIVE_SECONDS} seconds (60 minutes)."
        )


def check_stopping_condition(condition: Mapping[str, Any]) -> None:
    """StoppingCondition."""
    STOPPING_CONDITION.check(condition, "StoppingCondition.")
    if condition.get("MaxRuntimeInSeconds", 1) > MAX_RUNTIME_SECONDS:
        raise ValidationException(
            f"StoppingCondition.MaxRuntimeInSeconds takes at most {MAX_RUNTIME_SECONDS} seconds (28 days)."
        )


def check_spot(members: Mapping[str, Any]) -> None:
    """EnableManagedSpotTraining beside StoppingCondition, of CreateTrainingJob or a tuning job's definition."""
    condition = members.get("StoppingCondition") or {}
    wait, runtime = condition.get("MaxWaitTimeInSeconds"), condition.get("MaxRuntimeInSeconds", 86_400)
    if members.get("EnableManagedSpotTraining"):
        if (members.get("ResourceConfig") or {}).get("KeepAlivePeriodInSeconds"):
            raise ValidationException(
                "KeepAlivePeriodInSeconds is not for managed spot training: set EnableManagedSpotTraining to false, or"
                " leave KeepAlivePeriodInSeconds out."
            )
        if wait is None or wait < runtime:
            raise ValidationException(
                "Invalid MaxWaitTimeInSeconds. It must be present and be greater than or equal to MaxRuntimeInSeconds."
            )
    elif wait is not None:
        raise ValidationException(
            "Invalid MaxWaitTimeInSeconds. It belongs to managed spot training: set EnableManagedSpotTraining to true."
        )


def _check_instances(group: Mapping[str, Any], where: str) -> None:
    if group["InstanceCount"] < 1:
        raise ValidationException(f"{where}.InstanceCount must be at least 1.")
    try:
        instance_type(group["InstanceType"])
    except UnknownInstanceType as error:
        raise ValidationException(f"{where}.InstanceType: {error}.") from error
