"""How much of an endpoint's traffic goes to its new model servers, and when: a pure function of time."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Shift:
    """Where a shift is: the share (0 to 1) of the new servers, and in how many seconds that changes or ends.

    `done` when the old servers may end. `baking` while the new ones have all traffic and the old ones are kept.
    """

    share: float
    done: bool
    baking: bool
    check_in_seconds: float


def shift(config: Mapping[str, Any] | None, instance_count: int, elapsed_seconds: float) -> Shift:
    """Where a shift by this DeploymentConfig is; None shifts all at once.

    Each step is kept for WaitIntervalInSeconds, the last one also for TerminationWaitInSeconds. `instance_count` is
    that of all new variants, for steps in instances.
    """
    policy = (config or {}).get("BlueGreenUpdatePolicy")
    if not policy:
        return Shift(1.0, done=True, baking=False, check_in_seconds=0.0)
    routing = policy["TrafficRoutingConfiguration"]
    shares, wait = step_shares(routing, instance_count), routing["WaitIntervalInSeconds"]
    last_at = wait * (len(shares) - 1)
    ends_at = last_at + wait + policy.get("TerminationWaitInSeconds", 0)
    if elapsed_seconds >= ends_at:
        return Shift(1.0, done=True, baking=False, check_in_seconds=0.0)
    if elapsed_seconds >= last_at:
        return Shift(1.0, done=False, baking=True, check_in_seconds=ends_at - elapsed_seconds)
    step = max(0, int(elapsed_seconds // wait))  # the clock may have been set back
    return Shift(shares[step], done=False, baking=False, check_in_seconds=wait * (step + 1) - elapsed_seconds)


def step_shares(routing: Mapping[str, Any], instance_count: int) -> list[float]:
    """The shares of a TrafficRoutingConfig's steps, in order; the last one is 1."""
    match routing["Type"]:
        case "CANARY":
            return [_share(routing["CanarySize"], instance_count), 1.0]
        case "LINEAR":
            size, shares = _share(routing["LinearStepSize"], instance_count), [0.0]
            while shares[-1] + size < 1.0 - 1e-9:
                shares.append(shares[-1] + size)
            return [*shares[1:], 1.0]
        case _:
            return [1.0]


def waiting_seconds(policy: Mapping[str, Any], instance_count: int) -> float:
    """All waiting of a BlueGreenUpdatePolicy together."""
    routing = policy["TrafficRoutingConfiguration"]
    steps = len(step_shares(routing, instance_count))
    return float(steps * routing["WaitIntervalInSeconds"] + policy.get("TerminationWaitInSeconds", 0))


def _share(size: Mapping[str, Any], instance_count: int) -> float:
    value = float(size["Value"])
    return value / 100 if size["Type"] == "CAPACITY_PERCENT" else value / max(1, instance_count)
