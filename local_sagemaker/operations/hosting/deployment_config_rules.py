"""What CreateEndpoint and UpdateEndpoint take as DeploymentConfig: blue/green, by whatever traffic routing."""

from collections.abc import Mapping
from typing import Any

from local_sagemaker.engine.endpoints.traffic_shift import waiting_seconds
from local_sagemaker.errors import ValidationException
from local_sagemaker.operations.coverage import Structure

DEPLOYMENT = Structure(
    "DeploymentConfig",
    honoured=("BlueGreenUpdatePolicy",),
    refused={
        "RollingUpdatePolicy": "use BlueGreenUpdatePolicy; both sets of model servers fit on this machine, or neither",
        "AutoRollbackConfiguration": "there are no alarms here; an update whose model servers end or do not answer"
        " their ping is rolled back without",
    },
)
BLUE_GREEN = Structure(
    "BlueGreenUpdatePolicy",
    honoured=("TrafficRoutingConfiguration", "TerminationWaitInSeconds", "MaximumExecutionTimeoutInSeconds"),
)
TRAFFIC_ROUTING = Structure(
    "TrafficRoutingConfig", honoured=("Type", "WaitIntervalInSeconds", "CanarySize", "LinearStepSize")
)
CAPACITY = Structure("CapacitySize", honoured=("Type", "Value"))

STRUCTURES = (DEPLOYMENT, BLUE_GREEN, TRAFFIC_ROUTING, CAPACITY)

# The member that sizes a step, and the percentages that AWS takes.
_STEPS = {"CANARY": ("CanarySize", 0, 50), "LINEAR": ("LinearStepSize", 10, 50)}


def check_deployment_config(config: Mapping[str, Any], instance_count: int) -> None:
    """Raise ValidationException for what is not done here, or contradicts itself.

    `instance_count` is that of all variants of the new configuration, 0 for a serverless one.
    """
    DEPLOYMENT.check(config, "DeploymentConfig.")
    policy = config.get("BlueGreenUpdatePolicy")
    if not policy:
        return
    where = "DeploymentConfig.BlueGreenUpdatePolicy."
    BLUE_GREEN.check(policy, where)
    routing = policy["TrafficRoutingConfiguration"]
    TRAFFIC_ROUTING.check(routing, f"{where}TrafficRoutingConfiguration.")
    _check_steps(routing, instance_count)
    limit = policy.get("MaximumExecutionTimeoutInSeconds")
    waits = waiting_seconds(policy, instance_count)
    if limit is not None and limit <= waits:
        raise ValidationException(
            f"{where}MaximumExecutionTimeoutInSeconds must be more than all waiting together, {waits:g} seconds"
        )


def _check_steps(routing: Mapping[str, Any], instance_count: int) -> None:
    kind = routing["Type"]
    needed, least, most = _STEPS.get(kind, (None, 0, 0))
    for name in ("CanarySize", "LinearStepSize"):
        if (name == needed) != (name in routing):
            what = "needs" if name == needed else "takes no"
            raise ValidationException(f"TrafficRoutingConfiguration of Type {kind} {what} {name}")
    if needed is None:
        return
    size = routing[needed]
    CAPACITY.check(size, f"TrafficRoutingConfiguration.{needed}.")
    value, percent = size["Value"], size["Type"] == "CAPACITY_PERCENT"
    share = value if percent else 100 * value / max(1, instance_count)
    if not percent and instance_count == 0:
        raise ValidationException(f"{needed} of a serverless endpoint must be given as CAPACITY_PERCENT")
    if not least <= share <= most:
        bounds = f"{least} to {most} percent" if least else f"at most {most} percent"
        raise ValidationException(
            f"{needed} must be {bounds} of the capacity, which is {instance_count} instances; it is {share:g} percent"
        )
