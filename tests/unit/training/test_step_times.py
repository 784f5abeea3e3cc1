import re
from collections.abc import Iterator
from typing import Any

import pytest

from service.domain.metric_definitions import SPEED, regex_of
from tests.unit.training.scripts import Scripts


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def batches(self, count: int, seconds: float) -> Iterator[int]:
        for number in range(count):
            self.now += seconds
            yield number


def watched(scripts: Scripts, waits: float, *steps: float) -> Any:
    clock = Clock()
    times = scripts.step_times.StepTimes(clock)
    for _, seconds in zip(times.watch(clock.batches(len(steps), waits)), steps, strict=True):
        clock.now += seconds
    return times


def test_waits_and_steps_are_told_apart(scripts: Scripts) -> None:
    line = watched(scripts, 0.25, *[1.0] * 90, *[3.0] * 10).line()
    assert line == (
        "steps=100 loader_wait_seconds=25.000000 step_seconds_p50=1.000000 step_seconds_p90=1.200000 "
        "step_seconds_p99=3.000000"
    )


def test_the_service_reads_each_of_the_figures(scripts: Scripts) -> None:
    epoch = scripts.progress.Epoch(1, 1.0, 0.5, 1.0, 0.5, 0.001, 41.2).line()
    text = f"{epoch}\n{watched(scripts, 0.5, 1.0).line()}"
    found = {name: re.search(regex_of(name), text) for name in SPEED}
    assert all(found.values())
    assert {name: float(match[1]) for name, match in found.items() if match} == pytest.approx(
        {
            "lr": 0.001, "images_per_second": 41.2, "loader_wait_seconds": 0.5,
            "step_seconds_p50": 1, "step_seconds_p90": 1, "step_seconds_p99": 1,
        }
    )  # fmt: skip


def test_an_epoch_that_had_no_steps_left_says_nothing(scripts: Scripts) -> None:
    assert watched(scripts, 0.5).line() is None
