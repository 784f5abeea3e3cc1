"""What holds for every rule here, whatever a job saves."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from diagnostics.rules.all_zero import AllZero
from diagnostics.rules.exploding_tensor import ExplodingTensor
from diagnostics.rules.finding import Finding
from diagnostics.rules.loss_not_decreasing import LossNotDecreasing
from diagnostics.rules.overfit import Overfit
from diagnostics.rules.overtraining import Overtraining
from diagnostics.rules.rule import Rule
from diagnostics.rules.stalled_training import StalledTrainingRule
from diagnostics.rules.tensor_variance import TensorVariance
from diagnostics.rules.unchanged_tensor import UnchangedTensor
from diagnostics.rules.vanishing_gradient import VanishingGradient
from diagnostics.tensors.saved_step import Mode, SavedStep
from tests.unit.diagnostics.steps import LOSS, broken, run, saved_step, selected

RULES: list[Callable[[], Rule]] = [
    AllZero,
    lambda: AllZero(threshold=40, collection_names=("gradients",)),
    ExplodingTensor,
    lambda: ExplodingTensor(only_nan=True, tensor_regex=("weight",)),
    lambda: LossNotDecreasing(num_steps=2),
    lambda: LossNotDecreasing(num_steps=1, mode=Mode.TRAIN),
    Overfit,
    lambda: Overfit(patience=2, start_step=3),
    lambda: Overtraining(patience_train=2, patience_validation=1),
    StalledTrainingRule,
    lambda: TensorVariance(min_threshold=0.1, max_threshold=9),
    UnchangedTensor,
    lambda: UnchangedTensor(num_steps=2, equal_nan=True, collection_names=("weights",)),
    lambda: VanishingGradient(threshold=0.5),
]
NAMES = (LOSS, "fc.weight", "fc.bias", "gradient/fc.weight", "relu_output_0")
FIGURES = ("abs_mean", "abs_max", "min", "max", "mean", "variance", "std", "l1", "l2", "prod", "sum")

odd = st.sampled_from([0.0, 1.0, -1.0, 1e-9, 3e38, math.nan, math.inf, -math.inf])
numbers = odd | st.floats(-10, 10, width=32)
tensors = st.one_of(
    numbers.map(np.float32),
    arrays.arrays(np.float32, st.tuples(st.integers(0, 3), st.integers(0, 3)), elements=st.floats(width=32)),
    arrays.arrays(np.float16, st.integers(0, 4), elements=st.floats(width=16)),
    arrays.arrays(np.int64, st.integers(0, 4)),
    arrays.arrays(np.bool_, st.integers(0, 4)),
)


@st.composite
def streams(draw: st.DrawFn) -> list[SavedStep]:
    """Up to twelve saved steps; modes in any order, steps left out, files that cannot be read."""
    steps, step, counts = [], -1, dict.fromkeys(Mode, -1)
    for _ in range(draw(st.integers(0, 12))):
        mode = draw(st.sampled_from(list(Mode)))
        skipped = draw(st.integers(1, 3))
        step, counts[mode] = step + skipped, counts[mode] + draw(st.integers(1, skipped))
        whole = draw(st.dictionaries(st.sampled_from(NAMES), tensors))
        reduced = draw(
            st.dictionaries(st.sampled_from(NAMES), st.dictionaries(st.sampled_from(FIGURES), numbers, max_size=3))
        )
        made = saved_step(step, whole, mode, mode_step=counts[mode], reductions=reduced)
        steps.append(broken(made, draw(st.sets(st.sampled_from(NAMES), max_size=2))))
    return steps


@settings(max_examples=60, deadline=None)
@given(stream=streams())
def test_nothing_that_is_saved_breaks_a_rule_and_what_it_selects_is_enough(stream: list[SavedStep]) -> None:
    for rule in RULES:
        all_of_it, chosen = rule(), rule()
        found = run(all_of_it, stream)
        again = run(chosen, [selected(chosen, step) for step in stream])
        assert repr(found) == repr(again)  # nan is not equal to itself
        assert all_of_it.unjudged() == chosen.unjudged()
        if found is not None:
            check(found, {step.step for step in stream})


def check(found: Finding, steps: set[int]) -> None:
    """All that a finding has to say."""
    assert found.step in steps
    assert found.tensor
    assert str(found.step) in found.what
    assert found.tensor.split(", ")[0] in found.what
    assert found.why.endswith(".")
    assert found.advice
    assert all(advice.endswith(".") for advice in found.advice)


@pytest.mark.parametrize("rule", RULES)
def test_an_empty_job_is_unjudged(rule: Callable[[], Rule]) -> None:
    made = rule()
    assert run(made, []) is None
    unjudged = made.unjudged()
    if isinstance(made, StalledTrainingRule):
        assert unjudged is None
    else:
        assert unjudged is not None
        assert "DebugHookConfig.CollectionConfigurations" in unjudged
