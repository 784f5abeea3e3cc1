"""Curves in bounded memory."""

from hypothesis import given
from hypothesis import strategies as st

from diagnostics.tensors.loss_curves import GrowingCurve, LossCurves
from diagnostics.tensors.saved_step import Mode


@given(count=st.integers(1, 300), most=st.integers(2, 40))
def test_the_first_and_the_newest_stay_and_the_rest_is_even(count: int, most: int) -> None:
    growing = GrowingCurve(most)
    for number in range(count):
        growing.add(10 * number, float(number))
    curve = growing.curve("loss", Mode.TRAIN)
    assert list(curve.steps) == [int(10 * value) for value in curve.values]
    assert curve.steps[0] == 0
    assert curve.steps[-1] == 10 * (count - 1)
    assert len(curve.steps) <= most + 1
    assert len(curve.steps) >= min(count, most // 2)
    gaps = {after - before for before, after in zip(curve.steps[:-2], curve.steps[1:-1], strict=True)}
    assert len(gaps) <= 1
    assert growing.complete == (len(curve.steps) == count)


def test_losses_by_tensor_and_mode() -> None:
    losses = LossCurves()
    losses.add("b", Mode.TRAIN, 0, 1.0)
    losses.add("a", Mode.TRAIN, 0, 2.0)
    losses.add("a", Mode.EVAL, 3, 3.0)
    assert [(curve.tensor, curve.mode, curve.values) for curve in losses.curves()] == [
        ("a", "EVAL", [3.0]),
        ("a", "TRAIN", [2.0]),
        ("b", "TRAIN", [1.0]),
    ]
    assert losses.complete("c", Mode.TRAIN) is None
