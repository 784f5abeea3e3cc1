"""The loss of a step, and means over passes."""

import numpy as np

from diagnostics.rules.losses import Passes, loss_at
from diagnostics.tensors.saved_step import Mode
from tests.unit.diagnostics.steps import broken, near, saved_step


def test_the_loss_is_the_mean_over_the_tensors_and_their_values() -> None:
    step = saved_step(
        8, {"b": np.array([1.0, 3.0]), "other": 9.0}, Mode.EVAL, mode_step=2, reductions={"a": {"mean": 4.0}}
    )
    loss = loss_at(step, lambda name: name != "other")
    assert loss is not None
    assert (loss.tensor, loss.value, loss.step, loss.mode, loss.mode_step) == ("a, b", 3.0, 8, Mode.EVAL, 2)


def test_what_cannot_be_read_is_left_out() -> None:
    step = saved_step(0, {"a": 1.0, "b": 3.0})
    loss = loss_at(broken(step, ["a"]), lambda _: True)
    assert loss is not None
    assert (loss.tensor, loss.value) == ("b", 3.0)
    assert loss_at(broken(step, ["a", "b"]), lambda _: True) is None


def test_a_pass_ends_where_another_mode_had_a_step_saved_or_not() -> None:
    passes, over = Passes(), []
    # EVAL steps 4, 5, 7 of the job are its steps 0, 1, 3; then four steps of training that nobody saved
    for step, mode_step, value in ((4, 0, 1.0), (5, 1, 2.0), (7, 3, 6.0), (12, 4, 10.0)):
        loss = loss_at(saved_step(step, {"loss": value}, Mode.EVAL, mode_step=mode_step), lambda _: True)
        assert loss is not None
        over.append(passes.add(loss))
    assert over[:3] == [None, None, None]
    assert over[3] is not None
    assert (over[3].step, over[3].mode_step, over[3].value, over[3].steps) == (7, 3, near(3.0), 3)
    last = passes.end()
    assert last is not None
    assert (last.step, last.value) == (12, 10.0)
    assert passes.end() is None
