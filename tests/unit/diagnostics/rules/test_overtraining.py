"""Overtraining: points without an improvement by delta."""

import numpy as np
import pytest

from diagnostics.rules.overtraining import Overtraining
from diagnostics.rules.parameters import ParameterOutOfRange
from diagnostics.tensors.saved_step import Mode
from tests.unit.diagnostics.steps import LOSS, epochs, near, run, saved_step


def test_validation_that_stands_still_fires_at_the_pass_that_ends_the_patience() -> None:
    rule = Overtraining(patience_train=99, patience_validation=3)
    stream = epochs(
        *(([1.0 / (epoch + 1)], [mean - 0.5, mean + 0.5]) for epoch, mean in enumerate([2.0, 1.0, 1.0, 0.995, 1.5]))
    )
    found = run(rule, stream)
    assert found is not None
    assert (found.step, found.mode, found.mode_step, found.tensor) == (14, Mode.EVAL, 9, LOSS)
    assert (found.value, found.threshold) == (near(1.5), near(0.99))
    assert found.what == (
        f"{LOSS}: for 3 validation passes, up to step 14, the EVAL loss has not come 0.01 below its best, "
        "1 at step 5; it is 1.5."
    )
    assert "--patience" in found.advice[0]


def test_an_improvement_by_exactly_delta_counts() -> None:
    rule = Overtraining(patience_train=99, patience_validation=2, delta=0.25)
    means = [2.0, 1.9, 1.75, 1.6, 1.5, 1.4]
    assert run(rule, epochs(*(([1.0], [mean]) for mean in means))) is None
    assert rule.unjudged() is None
    found = run(
        Overtraining(patience_train=99, patience_validation=2, delta=0.26), epochs(*(([1.0], [mean]) for mean in means))
    )
    assert found is not None
    assert found.step == 5


def test_training_that_stands_still_fires_at_the_last_step_of_its_epoch() -> None:
    stream = epochs(*(([mean, mean], [1.0 - epoch / 10]) for epoch, mean in enumerate([1.0, 0.5, 0.495, 0.6, 0.2])))
    found = run(Overtraining(patience_train=2), stream)
    assert found is not None
    assert (found.step, found.mode, found.mode_step) == (10, Mode.TRAIN, 7)
    assert "for 2 epochs of training" in found.what
    assert run(Overtraining(patience_train=3), stream) is None


def test_batches_do_not_count_where_there_is_validation() -> None:
    noise = [1.0, 2.0] * 20
    assert run(Overtraining(), epochs((noise, [1.0]), ([0.5 * loss for loss in noise], [0.5]))) is None


def test_without_validation_saved_losses_count_and_are_told_at_the_end() -> None:
    training = [saved_step(step, {LOSS: loss}) for step, loss in enumerate([1.0, 0.5, 0.6, 0.495, 0.5, 0.5, 0.7, 0.1])]
    rule = Overtraining()
    assert [rule.observe(step) for step in training] == [None] * 8
    found = rule.ended()
    assert found is not None
    assert (found.step, found.mode, found.value) == (6, Mode.TRAIN, 0.7)
    assert "for 5 saved losses, up to step 6" in found.what
    assert run(Overtraining(patience_train=6), training) is None


def test_nan_does_not_improve_anything_and_is_improved_on() -> None:
    stream = epochs(*(([1.0], [mean]) for mean in [np.nan, 1.0, np.nan, np.nan]))
    found = run(Overtraining(patience_train=99, patience_validation=2), stream)
    assert found is not None
    assert found.step == 7
    assert found.as_json()["value"] is None


def test_unjudged() -> None:
    assert str(Overtraining().unjudged()).startswith(
        "No loss of the collection losses was saved in mode TRAIN or EVAL."
    )
    rule = Overtraining()
    assert run(rule, epochs(([1.0], [1.0]), ([0.5], [0.5]))) is None
    assert "6 epochs of training losses are needed and 2 came, or 11 validation passes and 2 came" in str(
        rule.unjudged()
    )
    batches = Overtraining()
    assert run(batches, [saved_step(0, {LOSS: 1.0})]) is None
    assert "6 saved steps of training losses are needed and 1 came" in str(batches.unjudged())


def test_parameters_out_of_range() -> None:
    with pytest.raises(ParameterOutOfRange, match="patience_validation is 0"):
        Overtraining(patience_validation=0)
    with pytest.raises(ParameterOutOfRange, match=r"delta is -0\.1"):
        Overtraining(delta=-0.1)
