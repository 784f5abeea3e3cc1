"""TensorVariance: above the one threshold or below the other."""

import numpy as np
import pytest

from diagnostics.rules.parameters import ParameterOutOfRange
from diagnostics.rules.tensor_variance import TensorVariance
from tests.unit.diagnostics.steps import broken, near, run, saved_step

ONE = np.array([-1.0, 1.0])  # variance 1


def test_above() -> None:
    steps = [saved_step(0, {"fc.weight": ONE}), saved_step(1, {"fc.weight": 1.001 * ONE})]
    found = run(TensorVariance(max_threshold=1.0), steps)
    assert found is not None
    assert (found.step, found.tensor, found.value, found.threshold) == (1, "fc.weight", near(1.002001), 1.0)
    assert found.what == "The variance of fc.weight is 1.002 at step 1, above the threshold 1."
    assert "--weight-decay" in found.advice[0]


def test_below() -> None:
    steps = [saved_step(0, {"fc.weight": ONE}), saved_step(1, {"fc.weight": 0.999 * ONE})]
    found = run(TensorVariance(min_threshold=1.0), steps)
    assert found is not None
    assert (found.step, found.threshold) == (1, 1.0)
    assert "below the threshold 1" in found.what


def test_between() -> None:
    rule = TensorVariance(min_threshold=1.0, max_threshold=1.0)
    assert run(rule, [saved_step(0, {"fc.weight": ONE})]) is None
    assert rule.unjudged() is None


def test_one_value_has_no_variance() -> None:
    rule = TensorVariance(min_threshold=1.0)
    assert run(rule, [saved_step(0, {"loss": 1.0, "none": np.zeros(0), "infinite": np.array([np.inf, 1.0])})]) is None
    assert rule.unjudged() is not None


@pytest.mark.parametrize("figures", [{"variance": 4.0}, {"std": 2.0}, {"std": 2.0, "max": 9.0}])
def test_reductions(figures: dict[str, float]) -> None:
    step = saved_step(0, {}, reductions={"a": figures})
    found = run(TensorVariance(max_threshold=3.9), [step])
    assert found is not None
    assert found.value == 4.0
    assert run(TensorVariance(max_threshold=4.0), [step]) is None


def test_unjudged() -> None:
    without = TensorVariance()
    assert run(without, [saved_step(0, {"a": ONE})]) is None
    assert "give the rule parameter max_threshold, min_threshold, or both" in str(without.unjudged())
    rule = TensorVariance(collection_names=("weights",), max_threshold=1)
    assert run(rule, [saved_step(3, {"a": 9 * ONE}, reductions={"fc.weight": {"max": 1.0}})]) is None
    assert rule.unjudged() == (
        "Nothing of the collection weights was saved from which a variance can be told "
        "(neither fc.weight nor its variance was saved at step 3). "
        'Save it: add {"CollectionName": "weights", "CollectionParameters": {"save_interval": "10", '
        '"reductions": "variance"}} to DebugHookConfig.CollectionConfigurations.'
    )
    gone = TensorVariance(max_threshold=1)
    assert run(gone, [broken(saved_step(3, {"a": 9 * ONE}), ["a"])]) is None
    assert "a of step 3 cannot be read" in str(gone.unjudged())


def test_parameters_out_of_range() -> None:
    with pytest.raises(ParameterOutOfRange, match=r"min_threshold is 2; allowed: up to max_threshold 1"):
        TensorVariance(min_threshold=2, max_threshold=1)
