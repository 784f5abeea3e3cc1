"""Hyperband's brackets and rungs."""

from collections import Counter

import pytest

from local_sagemaker.engine.tuning import hyperband
from local_sagemaker.engine.tuning.curve import Curve


@pytest.mark.parametrize(
    ("hyperparameters", "epochs"),
    [
        ({"epochs": "10"}, 10),
        ({"n-epochs": '"10"'}, 10),
        ({"num_epochs": "1e1"}, 10),
        ({"epochs": "many", "n_epochs": "3"}, 3),
        ({"epochs": "0"}, None),
        ({"epochs": "[1]"}, None),
        ({"epochs": "Infinity"}, None),
        ({"lr": "1"}, None),
    ],
)
def test_epochs_are_found_under_five_names(hyperparameters: dict[str, str], epochs: int | None) -> None:
    assert hyperband.epochs(hyperparameters) == epochs


def test_brackets_are_as_large_as_hyperband_makes_them() -> None:
    assert Counter(hyperband.bracket_of(1, 9, index) for index in range(17)) == {0: 9, 1: 5, 2: 3}
    assert [hyperband.bracket_of(1, 9, index) for index in (0, 8, 9, 14, 16, 17)] == [0, 0, 1, 2, 2, 0]
    assert hyperband.rungs(1, 9, 0) == [1, 3]
    assert hyperband.rungs(1, 9, 9) == [3]
    assert hyperband.rungs(1, 9, 16) == []  # runs to the end
    assert hyperband.rungs(2, 20, 0) == [2, 6, 18]
    assert hyperband.rungs(5, 5, 0) == []


def curve(first_place: int, *values: float | None) -> Curve:
    """Values that came at first_place, first_place + 100, ..."""
    return Curve((first_place + 100 * epoch, value) for epoch, value in enumerate(values))


def out(own: Curve, *others: Curve, maximize: bool = False) -> bool:
    return hyperband.falls_out(own, others, [1, 3], maximize=maximize)


def test_only_the_best_third_goes_on() -> None:
    good, middle = curve(1, 0.1), curve(2, 0.2)
    assert not out(curve(3))  # nothing yet
    assert not out(curve(3, 0.9), good)  # two are too few to tell
    assert out(curve(3, 0.9), good, middle)
    assert not out(curve(3, 0.05), good, middle)
    assert out(curve(3, 0.05), good, middle, maximize=True)
    assert out(curve(3, None), good, middle)  # nan
    others = [curve(place, place / 10) for place in range(1, 6)]
    assert not out(curve(6, 0.15), *others)  # the second of six
    assert out(curve(6, 0.25), *others)


def test_who_comes_later_does_not_count() -> None:
    own = curve(1, 0.9)
    assert not out(own, curve(2, 0.1), curve(3, 0.2))
    # At the next rung it is measured again.
    went_on = curve(1, 0.9, 0.9, 0.9)
    assert out(went_on, curve(0, 0.1, 0.1, 0.1), curve(-1, 0.2, 0.2, 0.2))
    assert not out(went_on, curve(2, 0.1, 0.1, 0.1), curve(3, 0.2, 0.2))


def test_equal_values_go_on() -> None:
    assert not out(curve(3, 0.1), curve(1, 0.1), curve(2, 0.1))
