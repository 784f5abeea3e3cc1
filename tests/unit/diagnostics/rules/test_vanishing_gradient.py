"""VanishingGradient: mean(abs(gradient)) < threshold."""

import numpy as np
import pytest

from diagnostics.rules.parameters import ParameterOutOfRange
from diagnostics.rules.vanishing_gradient import VanishingGradient
from diagnostics.tensors.saved_step import Mode
from tests.unit.diagnostics.steps import broken, near, run, saved_step

FC = "gradient/fc.weight"
CONV = "gradient/conv1.weight"


def test_fires_at_the_first_step_below_the_threshold() -> None:
    steps = [saved_step(step, {FC: np.full(4, value)}) for step, value in ((0, 1e-2), (10, 1e-7), (20, -9.9e-8))]
    found = run(VanishingGradient(), steps)
    assert found is not None
    assert (found.step, found.mode, found.mode_step, found.tensor) == (20, Mode.TRAIN, 20, FC)
    assert found.value == near(9.9e-8)
    assert found.threshold == 1e-7
    assert found.what == f"The mean absolute value of {FC} is 9.9e-08 at step 20, below the threshold 1e-07."
    assert found.advice
    assert found.why


def test_signs_do_not_cancel_and_the_threshold_itself_is_enough() -> None:
    rule = VanishingGradient(threshold=0.5)
    assert run(rule, [saved_step(0, {FC: np.array([0.5, -0.5])})]) is None
    assert rule.unjudged() is None


def test_zeros_fire_and_the_smallest_is_named() -> None:
    found = run(
        VanishingGradient(), [saved_step(0, {FC: np.full(3, 1e-8), CONV: np.zeros(3), "gradient/b": np.ones(1)})]
    )
    assert found is not None
    assert (found.tensor, found.value) == (CONV, 0)
    assert "(2 of 3 gradients are below it)" in found.what


def test_weights_are_no_gradients() -> None:
    assert run(VanishingGradient(), [saved_step(0, {"fc.weight": np.zeros(3)})]) is None


def test_saved_reductions_are_enough() -> None:
    steps = [saved_step(step, {}, reductions={FC: {"abs_mean": value}}) for step, value in ((0, 1e-7), (5, 9e-8))]
    found = run(VanishingGradient(), steps)
    assert found is not None
    assert (found.step, found.value) == (5, near(9e-8))


def test_l1_serves_once_the_size_is_known() -> None:
    whole = saved_step(0, {FC: np.ones(100)})
    enough = saved_step(1, {}, reductions={FC: {"l1": 1.1e-5}})
    vanished = saved_step(2, {}, reductions={FC: {"l1": 0.9e-5}})
    found = run(VanishingGradient(), [whole, enough, vanished])
    assert found is not None
    assert (found.step, found.value) == (2, near(0.9e-7))
    rule = VanishingGradient()
    assert run(rule, [enough, vanished]) is None
    assert "neither gradient/fc.weight nor its abs_mean was saved at step 2" in str(rule.unjudged())


def test_what_to_save() -> None:
    rule = VanishingGradient()
    run(rule, [saved_step(0, {"fc.weight": np.ones(1)})])
    assert rule.unjudged() == (
        'No gradient was saved. Save it: add {"CollectionName": "gradients", "CollectionParameters": '
        '{"train.save_interval": "10", "reductions": "abs_mean"}} to DebugHookConfig.CollectionConfigurations.'
    )


def test_what_cannot_be_read_is_remembered() -> None:
    rule = VanishingGradient()
    assert run(rule, [broken(saved_step(3, {FC: np.zeros(2)}), [FC])]) is None
    assert "gradient/fc.weight of step 3 cannot be read" in str(rule.unjudged())


def test_a_threshold_below_zero_makes_no_sense() -> None:
    with pytest.raises(ParameterOutOfRange, match=r"threshold is -1.*from 0"):
        VanishingGradient(threshold=-1)
