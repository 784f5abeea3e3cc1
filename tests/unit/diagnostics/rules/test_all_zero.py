"""AllZero: the share of zeros."""

import numpy as np
import pytest

from diagnostics.rules.all_zero import AllZero
from diagnostics.rules.parameters import ParameterOutOfRange
from tests.unit.diagnostics.steps import broken, run, saved_step


def test_fires_when_the_last_value_is_zero() -> None:
    steps = [saved_step(0, {"conv.weight": np.array([0.0, 0.0, 1e-30])}), saved_step(5, {"conv.weight": np.zeros(3)})]
    found = run(AllZero(), steps)
    assert found is not None
    assert (found.step, found.tensor, found.value, found.threshold) == (5, "conv.weight", 100.0, 100.0)
    assert found.what == "100 % of the values of conv.weight are zero at step 5; the threshold is 100 %."


def test_a_share_of_zeros() -> None:
    step = saved_step(0, {"a": np.array([0, 0, 0, 1])})
    found = run(AllZero(threshold=75), [step])
    assert found is not None
    assert found.value == 75.0
    assert run(AllZero(threshold=75.1), [step]) is None


def test_nan_is_not_zero_and_nothing_is_no_zeros() -> None:
    rule = AllZero()
    assert run(rule, [saved_step(0, {"a": np.zeros(0)})]) is None
    assert rule.unjudged() is not None
    assert run(rule, [saved_step(1, {"a": np.array([np.nan])})]) is None
    assert rule.unjudged() is None


def test_biases_are_left_out_unless_asked_for() -> None:
    step = saved_step(0, {"bn.bias": np.zeros(2), "fc.weight": np.ones(2)})
    assert run(AllZero(), [step]) is None
    assert run(AllZero(collection_names=("biases",)), [step]) is not None
    assert run(AllZero(tensor_regex=("bn",)), [step]) is not None


@pytest.mark.parametrize(
    ("figures", "fires"),
    [
        ({"abs_max": 0.0}, True),
        ({"l2": 0.0}, True),
        ({"min": 0.0, "max": 0.0}, True),
        ({"min": 0.0, "max": 1.0}, False),
    ],
)
def test_reductions(figures: dict[str, float], fires: bool) -> None:
    rule = AllZero()
    found = run(rule, [saved_step(2, {}, reductions={"fc.weight": figures})])
    assert (found is not None) == fires
    assert rule.unjudged() is None


def test_unjudged_says_which_reductions_do() -> None:
    rule = AllZero()
    assert run(rule, [saved_step(2, {}, reductions={"fc.weight": {"mean": 0.0}})]) is None
    assert rule.unjudged() == (
        "Nothing of any tensor was saved (of fc.weight only mean were saved at step 2). "
        'Save it: add {"CollectionName": "weights", "CollectionParameters": {"save_interval": "10", '
        '"reductions": "abs_max"}} to DebugHookConfig.CollectionConfigurations.'
    )
    share = AllZero(threshold=50)
    assert run(share, [saved_step(2, {}, reductions={"fc.weight": {"abs_max": 0.0}})]) is None
    assert "saved whole" in str(share.unjudged())
    gone = AllZero()
    assert run(gone, [broken(saved_step(2, {"fc.weight": np.zeros(1)}), ["fc.weight"])]) is None
    assert "fc.weight of step 2 cannot be read" in str(gone.unjudged())


@pytest.mark.parametrize("threshold", [0, -1, 100.1])
def test_percentages(threshold: float) -> None:
    with pytest.raises(ParameterOutOfRange, match="threshold"):
        AllZero(threshold=threshold)
