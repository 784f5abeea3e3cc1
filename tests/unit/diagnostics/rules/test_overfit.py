"""Overfit: validation loss against training loss, pass by pass."""

import numpy as np
import pytest

from diagnostics.rules.overfit import Overfit, excess
from diagnostics.rules.parameters import ParameterOutOfRange
from diagnostics.tensors.saved_step import Mode
from tests.unit.diagnostics.steps import LOSS, epochs, near, run, saved_step


def test_fires_at_the_end_of_the_first_validation_pass_above_the_ratio() -> None:
    stream = epochs(([1.5, 0.5], [0.6, 1.0]), ([1.25, 0.75], [1.3, 0.95]), ([0.5, 0.5], [9.0]))
    found = run(Overfit(ratio_threshold=0.125), stream)
    assert found is not None
    assert (found.step, found.mode, found.mode_step, found.tensor) == (10, Mode.EVAL, 4, LOSS)
    assert (found.value, found.threshold) == (near(17.0), 0.125)
    second = run(Overfit(ratio_threshold=0.124), stream)
    assert second is not None
    assert (second.step, second.mode_step, second.value) == (7, 3, near(0.125))
    assert second.what == (
        f"{LOSS}: the mean validation loss 1.125 at step 7 is 12.5 % above the mean training loss 1 before it; "
        "12.4 % is the threshold."
    )
    assert "--augment" in second.advice[0]


def test_it_is_told_as_soon_as_training_goes_on() -> None:
    rule = Overfit()
    stream = epochs(([1.0], [2.0, 2.0]), ([1.0], [2.0]))
    found = [rule.observe(step) for step in stream]
    assert [one is not None for one in found] == [False, False, False, True, False]
    assert found[3] is not None
    assert found[3].step == 2


def test_noise_in_a_pass_is_averaged() -> None:
    assert run(Overfit(), epochs(([1.0, 1.0], [0.1, 2.0, 0.9]), ([0.9, 1.1], [2.1, 0.05]))) is None


def test_patience_counts_passes_in_a_row() -> None:
    above, below = ([1.0], [1.5]), ([1.0], [1.0])
    rule = Overfit(patience=3)
    assert run(rule, epochs(above, above, below, above, above)) is None
    assert rule.unjudged() is None
    found = run(Overfit(patience=3), epochs(above, above, below, above, above, above))
    assert found is not None
    assert found.step == 11
    assert found.what.endswith("is the threshold, for 3 validation passes in a row.")


def test_start_step() -> None:
    stream = epochs(([1.0], [1.5]), ([1.0], [1.0]))
    assert run(Overfit(start_step=2), stream) is None
    assert run(Overfit(start_step=1), stream) is not None


def test_validation_without_training_since_is_not_compared() -> None:
    training = saved_step(0, {LOSS: 1.0}, Mode.TRAIN, mode_step=0)
    first = saved_step(1, {LOSS: 1.0}, Mode.EVAL, mode_step=0)
    later = saved_step(50, {LOSS: 3.0}, Mode.EVAL, mode_step=1)  # 48 steps of training that nobody saved
    rule = Overfit()
    assert run(rule, [training, first, later]) is None
    few = Overfit(patience=2)
    assert run(few, [training, first, later]) is None
    assert "2 passes from step 0 on with a TRAIN loss saved before each are needed, 1 came" in str(few.unjudged())


@pytest.mark.parametrize(
    ("validation", "training", "ratio"), [(0.0, 0.0, 0.0), (1.0, 0.0, np.inf), (-1.0, -2.0, 0.5), (1.0, 2.0, -0.5)]
)
def test_excess(validation: float, training: float, ratio: float) -> None:
    assert excess(validation, training) == ratio


def test_nan_is_no_overfit() -> None:
    rule = Overfit()
    assert run(rule, epochs(([1.0], [np.nan]), ([np.nan], [1.0]), ([np.inf], [np.inf]))) is None
    assert rule.unjudged() is None


def test_unjudged_names_the_mode_that_is_missing() -> None:
    rule = Overfit()
    run(rule, epochs(([1.0, 2.0], [])))
    assert str(rule.unjudged()).startswith("No loss of the collection losses was saved in mode EVAL;")
    assert '"train.save_interval": "1", "eval.save_interval": "1"' in str(rule.unjudged())
    none = Overfit(tensor_regex=("my_loss",))
    run(none, epochs(([1.0], [2.0])))
    assert str(none.unjudged()).startswith('No loss of tensors like "my_loss" was saved in mode TRAIN and EVAL;')


def test_parameters_out_of_range() -> None:
    with pytest.raises(ParameterOutOfRange, match="patience is 0"):
        Overfit(patience=0)
    with pytest.raises(ParameterOutOfRange, match=r"tensor_regex is \(; allowed: a regular expression"):
        Overfit(tensor_regex=("(",))
