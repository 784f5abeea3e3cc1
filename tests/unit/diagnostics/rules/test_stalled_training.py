"""StalledTrainingRule: nothing saved for too long."""

import numpy as np
import pytest

from diagnostics.rules.configuration import rule_configuration
from diagnostics.rules.stalled_training import StalledTrainingRule
from diagnostics.tensors.saved_step import Mode
from tests.unit.diagnostics.steps import run, saved_step


def test_fires_when_the_threshold_is_reached() -> None:
    rule = StalledTrainingRule()
    assert run(rule, [saved_step(7, {"loss": np.nan}, Mode.EVAL, mode_step=3)]) is None
    assert rule.idle(1799.9) is None
    found = rule.idle(1800)
    assert found is not None
    assert (found.step, found.mode, found.mode_step, found.value, found.threshold) == (7, Mode.EVAL, 3, 1800, 1800)
    assert found.what == "No tensor was saved for 1800 s since step 7 of mode EVAL; the threshold is 1800 s."
    assert rule.unjudged() is None


def test_a_job_that_never_saved_anything() -> None:
    found = StalledTrainingRule(threshold=60).idle(61)
    assert found is not None
    assert "for 61 s since the job began" in found.what


@pytest.mark.parametrize(
    ("parameters", "stops"),
    [
        ({}, False),
        ({"stop_training_on_fire": "False"}, False),
        ({"stop_training_on_fire": "True"}, True),
        ({"stop_training_on_fire": "True", "training_job_name_prefix": "do"}, True),
        ({"stop_training_on_fire": "True", "training_job_name_prefix": "cats"}, False),
    ],
)
def test_which_job_is_stopped(parameters: dict[str, str], *, stops: bool) -> None:
    member = {"RuleConfigurationName": "x", "RuleParameters": {"rule_to_invoke": "StalledTrainingRule", **parameters}}
    assert rule_configuration(member).stops("dogs") is stops
