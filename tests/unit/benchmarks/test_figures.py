"""Figures of a benchmark."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.prediction.figures import percentile, share_equal, table


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0.01, 100))
def test_so_many_percent_are_not_above_the_percentile(values: list[float], percent: float) -> None:
    found = percentile(values, percent)
    assert found in values
    assert sum(value <= found for value in values) >= len(values) * percent / 100 - 1e-9
    assert sum(value < found for value in values) < len(values) * percent / 100 + 1e-9


def test_known_percentiles() -> None:
    hundred = [float(number) for number in range(100, 0, -1)]
    assert [percentile(hundred, percent) for percent in (1, 50, 99, 100)] == [1, 50, 99, 100]
    with pytest.raises(ValueError, match="no percentile"):
        percentile([], 50)


def test_share_of_equal_answers() -> None:
    assert share_equal([1, 2, 3, 4], [1, 2, 0, 4]) == 0.75
    with pytest.raises(ValueError, match="longer"):
        share_equal([1], [1, 2])


def test_a_table_is_aligned_markdown() -> None:
    shown = table(["server", "images/s"], [["ours", "55.1"], ["a longer name", "9.0"]])
    assert shown.splitlines() == [
        "| server        | images/s |",
        "|---------------|---------:|",
        "| ours          |     55.1 |",
        "| a longer name |      9.0 |",
    ]
