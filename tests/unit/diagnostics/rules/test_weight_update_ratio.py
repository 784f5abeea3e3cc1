"""WeightUpdateRatio: mean(abs(w - w0)) / (mean(abs(w0)) + epsilon)."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from diagnostics.rules.finding import Finding
from diagnostics.rules.parameters import ParameterOutOfRange
from diagnostics.rules.weight_update_ratio import WeightUpdateRatio
from diagnostics.tensors.saved_step import Mode, SavedStep
from tests.unit.diagnostics.steps import broken, run, saved_step

FC, CONV = "fc.weight", "conv.weight"
BASE = np.array([[1.0, -2.0], [3.0, -2.0]])  # the mean of the absolute values is 2


def series(*values: npt.ArrayLike, name: str = FC, mode: Mode = Mode.TRAIN) -> list[SavedStep]:
    return [saved_step(10 * at, {name: np.asarray(value, float)}, mode) for at, value in enumerate(values)]


def test_fires_at_the_first_update_above_the_large_threshold() -> None:
    found = run(WeightUpdateRatio(), series(BASE, BASE + 20, BASE + 20 + 22.1 * 20))
    assert found is not None
    assert (found.step, found.tensor, found.threshold) == (20, FC, 10.0)
    assert found.value == pytest.approx(22.1)
    assert found.what == "fc.weight changed by 22.1 of its size from step 10 to step 20, above the threshold 10."
    assert "--lr" in found.advice[0]


def test_the_threshold_itself_is_fair() -> None:
    assert run(WeightUpdateRatio(epsilon=0), series(BASE, BASE + 20)) is None
    assert run(WeightUpdateRatio(epsilon=0), series(BASE, BASE + 20.001)) is not None


def test_fires_below_the_small_threshold() -> None:
    rule = WeightUpdateRatio()
    found = run(rule, series(BASE, BASE + 2.1e-8, BASE + 2.1e-8 + 1.9e-8))
    assert found is not None
    assert (found.step, found.threshold) == (20, 1e-8)
    assert found.value == pytest.approx(0.95e-8, rel=1e-3)
    assert "below the threshold 1e-08" in found.what


def test_single_values_near_zero_do_not_fire() -> None:
    start = np.array([1e-12, 1.0, 1.0, 1.0])
    assert run(WeightUpdateRatio(), series(start, start + 0.1)) is None


def test_a_layer_that_starts_at_zero_has_no_ratio() -> None:
    assert run(WeightUpdateRatio(), series(np.zeros(4), np.full(4, 0.001))) is None


def test_epsilon_bounds_the_ratio_of_tiny_weights() -> None:
    assert run(WeightUpdateRatio(epsilon=1.0), series(BASE * 1e-9, BASE)) is None
    assert run(WeightUpdateRatio(), series(BASE * 1e-9, BASE)) is not None


def test_num_steps_compares_with_the_earliest_step_within() -> None:
    growing = series(*(BASE * 3.0**at for at in range(5)))  # a ratio of 2 a save, of 8 over two, of 26 over three
    assert run(WeightUpdateRatio(), growing) is None
    assert run(WeightUpdateRatio(num_steps=20), growing) is None
    found = run(WeightUpdateRatio(num_steps=35), growing)
    assert found is not None
    assert found.step == 30
    assert found.value == pytest.approx(26)
    assert "from step 0 to step 30" in found.what


def test_num_steps_smaller_than_the_interval_leaves_nothing_to_compare() -> None:
    rule = WeightUpdateRatio(num_steps=9)
    assert run(rule, series(BASE, BASE * 100)) is None
    assert rule.unjudged() == (
        "No weight could be compared with an earlier one within 9 steps. Save the weights more often: Save it: add "
        '{"CollectionName": "weights", "CollectionParameters": {"train.save_interval": "9"}} to '
        "DebugHookConfig.CollectionConfigurations."
    )


def test_frozen_by_gradients() -> None:
    def steps(*gradients: str) -> list[SavedStep]:
        both = [{FC: BASE + 0.01 * at, CONV: BASE} for at in range(3)]
        return [saved_step(at, weights | dict.fromkeys(gradients, BASE)) for at, weights in enumerate(both)]

    assert run(WeightUpdateRatio(), steps("gradient/fc.weight")) is None
    assert run(WeightUpdateRatio(), steps()) is None  # it alone does not move
    found = run(WeightUpdateRatio(), steps("gradient/fc.weight", "gradient/conv.weight"))
    assert found is not None
    assert (found.step, found.tensor, found.value) == (1, CONV, 0)


def test_where_nothing_moves_nothing_is_frozen() -> None:
    found = run(WeightUpdateRatio(), series(BASE, BASE))
    assert found is not None
    assert (found.step, found.value) == (10, 0)


def test_validation_steps_are_not_compared() -> None:
    rule = WeightUpdateRatio()
    assert run(rule, series(BASE, BASE, mode=Mode.EVAL)) is None
    assert rule.unjudged() is not None
    assert run(WeightUpdateRatio(), series(BASE, BASE, mode=Mode.GLOBAL)) is not None


@pytest.mark.parametrize(("norm", "large"), [("abs_mean", 22.0), ("l1", 22.0), ("l2", 22.0)])
def test_reductions_bound_the_update_from_below(norm: str, large: float) -> None:
    def steps(value: float) -> list[SavedStep]:
        return [saved_step(at, {}, reductions={FC: {norm: one}}) for at, one in enumerate((2.0, value))]

    found = run(WeightUpdateRatio(), steps(2 + 2 * large))
    assert found is not None
    assert found.value == pytest.approx(large)
    assert f"at least 22 (by its {norm})" in found.what
    rule = WeightUpdateRatio()
    assert run(rule, steps(2.0)) is None  # as long as it was: it may have moved all the same
    assert rule.unjudged() is None


def test_what_reductions_do_not_tell() -> None:
    rule = WeightUpdateRatio()
    assert run(rule, [saved_step(at, {}, reductions={FC: {"max": 1.0}}) for at in range(3)]) is None
    assert "of fc.weight only max was saved at step 2" in str(rule.unjudged())
    rule = WeightUpdateRatio()
    assert run(rule, [saved_step(0, {"x": 1.0}), broken(saved_step(1, {FC: BASE}), [FC])]) is None
    assert "fc.weight of step 1 cannot be read" in str(rule.unjudged())


def test_large_weights_are_sampled() -> None:
    start = np.random.default_rng(0).standard_normal((1000, 1000)).astype(np.float32)
    found = run(WeightUpdateRatio(), series(start, start + np.float32(12) * np.abs(start), start))
    assert found is not None
    assert found.value == pytest.approx(12, rel=0.02)


@pytest.mark.parametrize("parameters", [{"num_steps": 0}, {"large_threshold": 1e-9}, {"epsilon": -1.0}])
def test_parameters_out_of_range(parameters: dict[str, float]) -> None:
    with pytest.raises(ParameterOutOfRange):
        WeightUpdateRatio(**parameters)  # type: ignore[arg-type]


_weights = arrays.arrays(
    st.sampled_from([np.float16, np.float32, np.float64, np.int64, np.bool_]),
    arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3),
)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.dictionaries(st.sampled_from([FC, CONV, "gradient/fc.weight"]), _weights), max_size=6),
    st.none() | st.integers(1, 5),
)
def test_nothing_crashes_it(saved: list[dict[str, npt.NDArray[np.generic]]], num_steps: int | None) -> None:
    rule = WeightUpdateRatio(num_steps=num_steps)
    found = run(rule, [saved_step(step, tensors) for step, tensors in enumerate(saved)])
    assert found is None or (isinstance(found, Finding) and np.isfinite(found.value))
    assert rule.unjudged() is None or "DebugHookConfig" in str(rule.unjudged())
