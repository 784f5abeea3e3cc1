import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnostics.report import words


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0.23456, "0.2346"),
        (2.5, "2.5"),
        (1.2e-7, "1.2e-07"),
        (12345.6, "12346"),
        (600.0, "600"),
        (-0.05, "-0.05"),
        (0.0, "0"),
        (3.2e9, "3.2e+09"),
        (float("nan"), "nan"),
        (float("-inf"), "-inf"),
    ],
)
def test_numbers_have_four_digits(value: float, written: str) -> None:
    assert words.number(value) == written


@given(st.floats(-1e300, 1e300))
def test_a_number_as_written_is_the_number(value: float) -> None:
    assert float(words.number(value)) == pytest.approx(value, rel=6e-3, abs=1e-300)


@pytest.mark.parametrize(
    ("seconds", "written"),
    [(0.047, "47 ms"), (3.21, "3.21 s"), (125, "2 min 05 s"), (4800, "1 h 20 min"), (59.999, "60 s")],
)
def test_durations(seconds: float, written: str) -> None:
    assert words.duration(seconds) == written


def test_clocks_rates_and_moments() -> None:
    assert [words.clock(seconds) for seconds in (5, 750, 4800)] == ["0:05", "12:30", "1:20:00"]
    assert [words.rate(value) for value in (0, 999, 5.11e6)] == ["0 B/s", "999 B/s", "5.11 MB/s"]
    assert words.moment(1_770_000_000) == "2026-02-02 02:40:00 UTC"


def test_counts_and_lists() -> None:
    assert words.several(1, "finding") == "1 finding"
    assert words.several(2, "finding") == "2 findings"
    assert [words.listed(list(items)) for items in ("", "a", "ab", "abcdef")] == [
        "",
        "a",
        "a and b",
        "a, b, c, d and 2 more",
    ]


def test_hosts_are_sorted_by_their_number() -> None:
    assert sorted(["algo-10", "algo-2", "algo-1"], key=words.natural) == ["algo-1", "algo-2", "algo-10"]


@given(st.text(), st.integers(min_value=3, max_value=60))
def test_a_shortened_name_fits_and_can_be_printed(name: str, limit: int) -> None:
    short = words.shortened(name, limit)
    assert len(short) <= limit
    assert not re.search("[\x00-\x1f\x7f-\x9f\u202a-\u202e\ud800-\udfff]", short)


def test_both_ends_of_a_long_name_stay() -> None:
    assert words.shortened("gradient/layer4.1.conv2.weight", 16) == "gradient….weight"
