"""LossNotDecreasing: the published example, and what validation passes make of it."""

from collections.abc import Iterable, Sequence

import numpy as np
import pytest

from diagnostics.rules.loss_not_decreasing import LossNotDecreasing
from diagnostics.rules.parameters import ParameterOutOfRange
from diagnostics.tensors.saved_step import Mode, SavedStep
from tests.unit.diagnostics.steps import LOSS, near, run, saved_step


def steps_of(losses: Iterable[tuple[int, float]], mode: Mode = Mode.TRAIN) -> list[SavedStep]:
    return [saved_step(step, {LOSS: loss}, mode) for step, loss in losses]


def passes_of(means: Sequence[Sequence[float]], training: int = 20) -> list[SavedStep]:
    """Each item is an epoch: `training` unsaved steps, then a validation pass of these losses."""
    saved, mode_step = [], 0
    for epoch, losses in enumerate(means):
        for loss in losses:
            step = (epoch + 1) * training + mode_step
            saved.append(saved_step(step, {LOSS: loss}, Mode.EVAL, mode_step=mode_step))
            mode_step += 1
    return saved


@pytest.mark.parametrize("mode", [Mode.TRAIN, Mode.GLOBAL])
@pytest.mark.parametrize("asked", [True, False])
def test_the_published_example_fires_at_step_12(mode: Mode, asked: bool) -> None:
    rule = LossNotDecreasing(num_steps=10, diff_percent=0.1, mode=mode if asked else None)
    found = run(rule, steps_of([(0, 0.3), (4, 0.33), (8, 0.31), (12, 0.30), (16, 0.28)], mode))
    assert found is not None
    assert (found.step, found.mode, found.mode_step, found.tensor, found.value) == (12, mode, 12, LOSS, 0.30)
    assert found.threshold == near(0.2997)
    assert found.what == (
        f"{LOSS}: the loss at step 12 is 0.3; at step 0 it was 0.3, and 0.1 % lower was expected (0.2997)."
    )


def test_compares_with_the_newest_loss_that_is_far_enough_back_and_then_waits() -> None:
    # saved every 3 steps: checked at 12 (against 0), 24 (against 12) and 36 (against 24), and nowhere else
    falling = {step: 1.0 - step / 1000 for step in range(0, 40, 3)}
    rule = LossNotDecreasing(mode=Mode.TRAIN)
    assert run(rule, steps_of((falling | {27: 0.99, 33: 0.985}).items())) is None
    found = run(LossNotDecreasing(mode=Mode.TRAIN), steps_of((falling | {36: falling[24]}).items()))
    assert found is not None
    assert found.step == 36
    assert "at step 24" in found.what


def test_a_fall_by_exactly_diff_percent_is_enough() -> None:
    assert run(LossNotDecreasing(diff_percent=25, mode=Mode.TRAIN), steps_of([(0, 1.0), (10, 0.75)])) is None
    found = run(LossNotDecreasing(diff_percent=25, mode=Mode.TRAIN), steps_of([(0, 1.0), (10, 0.7501)]))
    assert found is not None
    assert found.step == 10


def test_num_steps_less_one_is_too_near() -> None:
    rule = LossNotDecreasing(mode=Mode.TRAIN)
    assert run(rule, steps_of([(0, 1.0), (9, 5.0)])) is None
    unjudged = str(rule.unjudged())
    assert "two losses of mode TRAIN at least 10 steps apart are needed, those that were saved are 9 apart" in unjudged
    assert '"save_interval": "1"' in unjudged


def test_a_jump_between_two_checks_fires_at_once() -> None:
    losses = {0: 1.0, 3: 1.0, 10: 0.9, 13: 1.05, 20: 0.8}
    assert run(LossNotDecreasing(mode=Mode.TRAIN), steps_of(losses.items())) is None  # 5 % above step 3's
    found = run(LossNotDecreasing(mode=Mode.TRAIN), steps_of((losses | {13: 1.0501}).items()))
    assert found is not None
    assert (found.step, found.threshold) == (13, near(1.05))
    assert "at most 5 % higher was expected" in found.what
    assert found.advice[0].startswith("Lower --lr")
    rule = LossNotDecreasing(mode=Mode.TRAIN, increase_threshold_percent=6)
    assert run(rule, steps_of((losses | {13: 1.0501}).items())) is None


@pytest.mark.parametrize(
    ("base", "loss", "fires"),
    [
        (1.0, np.nan, True),
        (np.nan, 1.0, False),
        (np.nan, np.nan, True),
        (np.inf, 5.0, False),
        (1.0, np.inf, True),
        (np.inf, np.inf, True),
        (0.0, 0.0, False),
        (0.0, 0.1, True),
        (-1.0, -1.1, False),
        (-1.0, -1.0, True),
    ],
)
def test_odd_values(base: float, loss: float, fires: bool) -> None:
    found = run(LossNotDecreasing(mode=Mode.GLOBAL), steps_of([(0, base), (10, loss)], Mode.GLOBAL))
    assert (found is not None) == fires


def test_noise_within_a_validation_pass_does_not_fire() -> None:
    noisy = [[2.0, 1.0, 3.0, 0.5] * 3, [1.9, 0.9, 2.9, 0.4] * 3, [0.3, 2.8, 0.8, 1.8] * 3]
    rule = LossNotDecreasing()
    assert run(rule, passes_of(noisy)) is None
    assert rule.unjudged() is None


def test_a_validation_pass_that_is_no_better_fires_at_its_last_step() -> None:
    losses = [[2.0] * 12, [1.0] * 12, [1.5, 0.5] * 6, [0.5] * 12]
    found = run(LossNotDecreasing(), passes_of(losses))
    assert found is not None
    assert (found.step, found.mode, found.mode_step, found.value) == (60 + 35, Mode.EVAL, 35, near(1.0))
    assert "the mean of the validation pass at step 95 is 1; at step 63 it was 1" in found.what


def test_the_last_validation_pass_is_judged_when_the_job_has_ended() -> None:
    rule = LossNotDecreasing()
    assert [rule.observe(step) for step in passes_of([[1.0] * 12, [1.0] * 12])] == [None] * 24
    found = rule.ended()
    assert found is not None
    assert found.mode_step == 23


def test_short_passes_are_compared_with_one_that_is_num_steps_back() -> None:
    # passes of 4: ends at mode steps 3, 7, 11, 15; num_steps=10 compares the fourth (15) with the first (3)
    assert run(LossNotDecreasing(), passes_of([[1.0] * 4, [1.0] * 4, [1.0] * 4, [0.9] * 4])) is None
    found = run(LossNotDecreasing(), passes_of([[1.0] * 4, [2.0] * 4, [2.0] * 4, [1.0] * 4]))
    assert found is not None
    assert found.mode_step == 15


def test_training_noise_is_dropped_when_validation_comes() -> None:
    training = steps_of([(step, 1.0 + step % 2) for step in range(20)])
    validation = passes_of([[1.0] * 12, [0.5] * 12])
    assert run(LossNotDecreasing(), [*training, *validation]) is None
    assert run(LossNotDecreasing(mode=Mode.EVAL), [*training, *validation]) is None
    rule = LossNotDecreasing()
    assert [rule.observe(step) for step in training] == [None] * 20
    at_the_end = rule.ended()
    at_once = run(LossNotDecreasing(mode=Mode.TRAIN), training)
    assert at_the_end == at_once
    assert at_once is not None
    assert at_once.step == 10


def test_which_tensors_are_losses() -> None:
    steps = [saved_step(step, {LOSS: 1.0 / (step + 1), "aux": 1.0}, Mode.GLOBAL) for step in (0, 10, 20)]
    assert run(LossNotDecreasing(), steps) is None
    found = run(LossNotDecreasing(tensor_regex=("^aux$",), use_losses_collection=False), steps)
    assert found is not None
    assert found.tensor == "aux"
    mean = run(LossNotDecreasing(tensor_regex=("^aux$",), diff_percent=60), steps)
    assert mean is not None
    assert mean.tensor == f"{LOSS}, aux"


def test_unjudged_without_losses() -> None:
    rule = LossNotDecreasing(mode=Mode.EVAL)
    run(rule, steps_of([(0, 1.0), (10, 0.5)]))
    assert str(rule.unjudged()).startswith("No loss of the collection losses was saved in mode EVAL. Save it: add ")
    few = LossNotDecreasing()
    run(few, [*steps_of([(0, 1.0), (10, 0.5)]), *passes_of([[1.0], [0.9]])])
    assert "two validation passes of mode EVAL at least 10 steps apart are needed" in str(few.unjudged())
    assert "1 apart" in str(few.unjudged())


def test_parameters_out_of_range() -> None:
    with pytest.raises(ParameterOutOfRange, match="num_steps is 0"):
        LossNotDecreasing(num_steps=0)
    with pytest.raises(ParameterOutOfRange, match=r"mode is PREDICT; allowed: EVAL, TRAIN, GLOBAL"):
        LossNotDecreasing(mode=Mode.PREDICT)
    with pytest.raises(ParameterOutOfRange, match="use_losses_collection is False"):
        LossNotDecreasing(use_losses_collection=False)
