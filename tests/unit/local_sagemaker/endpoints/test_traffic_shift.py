"""engine/endpoints/traffic_shift.py: how much of the traffic has moved, and when it moves on."""

from typing import Any

import pytest

from local_sagemaker.engine.endpoints.traffic_shift import Shift, shift, step_shares, waiting_seconds


def config(kind: str, wait: int, **more: Any) -> dict[str, Any]:
    sizes: dict[str, Any] = {name: more.pop(name) for name in ("CanarySize", "LinearStepSize") if name in more}
    routing: dict[str, Any] = {"Type": kind, "WaitIntervalInSeconds": wait, **sizes}
    return {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing, **more}}


def percent(value: int) -> dict[str, Any]:
    return {"Type": "CAPACITY_PERCENT", "Value": value}


def test_without_a_configuration_all_traffic_moves_at_once() -> None:
    for nothing in (None, {}, config("ALL_AT_ONCE", 0)):
        found = shift(nothing, 1, 0.0)
        assert (found.share, found.done) == (1.0, True)


def test_all_at_once_keeps_the_old_servers_for_the_waits() -> None:
    waits = config("ALL_AT_ONCE", 60, TerminationWaitInSeconds=30)
    assert shift(waits, 1, 0.0) == Shift(1.0, done=False, baking=True, check_in_seconds=90.0)
    assert shift(waits, 1, 89.0) == Shift(1.0, done=False, baking=True, check_in_seconds=1.0)
    assert shift(waits, 1, 90.0).done


def test_a_canary_is_one_step_before_all() -> None:
    canary = config("CANARY", 60, CanarySize=percent(10), TerminationWaitInSeconds=30)
    assert shift(canary, 1, 0.0) == Shift(0.1, done=False, baking=False, check_in_seconds=60.0)
    assert shift(canary, 1, 59.0) == Shift(0.1, done=False, baking=False, check_in_seconds=1.0)
    assert shift(canary, 1, 60.0) == Shift(1.0, done=False, baking=True, check_in_seconds=90.0)
    assert shift(canary, 1, 150.0).done
    assert waiting_seconds(canary["BlueGreenUpdatePolicy"], 1) == 150.0


@pytest.mark.parametrize(
    ("size", "instances", "shares"),
    [
        (percent(50), 1, [0.5, 1.0]),
        (percent(30), 1, [0.3, 0.6, 0.9, 1.0]),
        ({"Type": "INSTANCE_COUNT", "Value": 1}, 4, [0.25, 0.5, 0.75, 1.0]),
    ],
)
def test_a_linear_shift_goes_up_by_steps(size: dict[str, Any], instances: int, shares: list[float]) -> None:
    routing = {"Type": "LINEAR", "WaitIntervalInSeconds": 10, "LinearStepSize": size}
    assert step_shares(routing, instances) == pytest.approx(shares)
    linear = config("LINEAR", 10, LinearStepSize=size)
    seen = [shift(linear, instances, 10.0 * step).share for step in range(len(shares))]
    assert seen == pytest.approx(shares)
    assert shift(linear, instances, 10.0 * len(shares)).done


def test_a_clock_that_was_set_back_begins_anew() -> None:
    canary = config("CANARY", 60, CanarySize=percent(10))
    assert shift(canary, 1, -3600.0).share == 0.1


def test_steps_without_a_wait_pass_at_once() -> None:
    found = shift(config("LINEAR", 0, LinearStepSize=percent(10), TerminationWaitInSeconds=5), 1, 0.0)
    assert found == Shift(1.0, done=False, baking=True, check_in_seconds=5.0)
