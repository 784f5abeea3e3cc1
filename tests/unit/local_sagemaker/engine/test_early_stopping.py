"""The median rule."""

import math
from itertools import count

from local_sagemaker.engine.tuning.curve import Curve
from local_sagemaker.engine.tuning.early_stopping import underperforming

PLACES = count(1)


def curve(*values: float | None) -> Curve:
    return Curve((next(PLACES), value) for value in values)


COMPLETED = [curve(1.0, 0.8, 0.6), curve(1.0, 0.6, 0.5), curve(1.2, 1.0, 0.2)]  # averages at 2: 0.9, 0.8, 1.1


def stopped(*values: float | None, maximize: bool = False) -> bool:
    return underperforming({"t": curve(*values)}, COMPLETED, maximize=maximize) == ["t"]


def test_curves_know_their_running_averages() -> None:
    seen = curve(1.0, None, 2.0)
    assert list(seen.averages) == [1.0, 1.0, 1.5]
    assert math.isnan(curve(None).averages[0])
    assert (len(seen), seen.last_place) == (3, seen.places[-1])
    assert Curve().last_place == 0


def test_worse_than_the_median_of_running_averages_is_stopped() -> None:
    assert not stopped(2.0, 0.9)  # what it was before does not matter
    assert stopped(0.1, 0.91)
    assert stopped(0.1, None)  # nan is worse than anything
    assert not stopped()
    assert stopped(0.1, 0.89, maximize=True)
    assert not stopped(0.1, 0.9, maximize=True)


def test_the_last_epoch_is_not_cut_off() -> None:
    assert not stopped(9.0, 9.0, 9.0)
    assert not stopped(9.0, 9.0, 9.0, 9.0)


def test_a_median_needs_three() -> None:
    running = {"t": curve(9.0)}
    assert underperforming(running, COMPLETED[:2], maximize=False) == []
    assert underperforming(running, [*COMPLETED[:2], curve(None, 0.1)], maximize=False) == []
    assert underperforming(running, COMPLETED, maximize=False) == ["t"]
