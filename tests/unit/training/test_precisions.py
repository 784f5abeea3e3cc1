from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.training.scripts import Scripts

SCRIPTS = Scripts()
FP32, BF16, INT8 = "fp32", "bf16", "int8"


def measured(precision: str, correct: int, images: int, milliseconds: float, agreeing: int = 0) -> object:
    return SCRIPTS.precisions.Measurement(precision, correct, agreeing, images, milliseconds)


@pytest.mark.parametrize(
    ("images", "fp32", "int8", "tolerance", "chosen"),
    [
        (1000, 913, 912, 0.1, INT8),  # exactly at the bound: in floats 91.3 - 91.2 is more than 0.1
        (1000, 913, 911, 0.1, FP32),
        (835, 700, 699, 0.1, FP32),  # one of 835 is 0.12 points
        (835, 700, 700, 0.1, INT8),
        (1000, 913, 910, 0.3, INT8),  # 0.3 as a float is less than 3 of 1,000
        (1000, 913, 913, 0.0, INT8),
        (1000, 913, 912, 0.0, FP32),
        (1000, 913, 950, 0.0, INT8),  # better than fp32 is good enough
        (10, 10, 0, 100.0, INT8),
    ],
)
def test_the_fastest_within_the_tolerance(images: int, fp32: int, int8: int, tolerance: float, chosen: str) -> None:
    both = [measured(FP32, fp32, images, 33.1), measured(INT8, int8, images, 10.2)]
    assert SCRIPTS.precisions.choose(both, tolerance).precision == chosen
    assert SCRIPTS.precisions.choose(both[::-1], tolerance).precision == chosen


def test_a_tie_falls_to_the_more_exact_one() -> None:
    alike = [measured(name, 9, 10, 5.0) for name in (INT8, BF16, FP32)]
    assert SCRIPTS.precisions.choose(alike, 0.1).precision == FP32
    assert SCRIPTS.precisions.choose([*alike[:2], measured(FP32, 9, 10, 5.1)], 0.1).precision == BF16


def test_what_the_log_says() -> None:
    choice = SCRIPTS.precisions.choose(
        [
            measured(FP32, 9131, 10000, 33.1),
            measured(BF16, 9120, 10000, 17.0, agreeing=9999),
            measured(INT8, 9123, 10000, 10.2, agreeing=9950),
        ],
        0.1,
    )
    assert choice.lines == (
        "fp32: accuracy 0.9131, 33.1 ms an image: not faster than int8",
        "bf16: accuracy 0.9120 (fp32 0.9131, -0.11 points), fp32's class for 99.99%, 17.0 ms an image (fp32 33.1): "
        "not within 0.1 points of fp32's accuracy",
        "int8: accuracy 0.9123 (fp32 0.9131, -0.08 points), fp32's class for 99.50%, 10.2 ms an image (fp32 33.1): "
        "chosen",
    )
    assert choice.reason == "int8 is the fastest within 0.1 points of fp32's accuracy; bf16 is not within them"


@given(
    images=st.integers(1, 50_000),
    shares=st.tuples(*[st.floats(0, 1)] * 3),
    times=st.tuples(*[st.floats(0.001, 1000)] * 3),
    tolerance=st.decimals(0, 100, places=3),
)
def test_nothing_faster_is_left_and_nothing_worse_is_chosen(
    images: int,
    shares: tuple[float, float, float],
    times: tuple[float, float, float],
    tolerance: object,
) -> None:
    correct = [int(share * images) for share in shares]
    names = (FP32, BF16, INT8)
    choice = SCRIPTS.precisions.choose(
        [measured(name, right, images, time) for name, right, time in zip(names, correct, times, strict=True)],
        float(str(tolerance)),
    )
    lost = [Fraction(100 * (correct[0] - each), images) for each in correct]
    allowed = [index for index in range(3) if lost[index] <= Fraction(str(tolerance))]
    assert names.index(choice.precision) == min(allowed, key=lambda index: times[index])
