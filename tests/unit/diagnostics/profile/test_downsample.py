"""Fewer points with the same peaks."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnostics.profile.downsample import downsample
from diagnostics.profile.profile import Series
from tests.unit.diagnostics.profiles import series


def test_a_spike_of_one_sample_is_seen() -> None:
    values = np.full(10_000, 50.0)
    values[1234], values[8765] = 99.0, 1.0
    found = downsample(series(values), 20)
    assert len(found.values) <= 20
    assert (found.values.max(), found.values.min()) == (99.0, 1.0)


def test_a_short_series_is_itself() -> None:
    whole = series([3.0, 1.0, 2.0])
    assert list(downsample(whole, 3).values) == [3.0, 1.0, 2.0]


def test_two_points_at_least() -> None:
    with pytest.raises(ValueError, match="2 or more"):
        downsample(series(1.0), 1)


@given(
    st.lists(st.one_of(st.floats(-1e9, 1e9), st.sampled_from([math.nan, math.inf])), max_size=60), st.integers(2, 70)
)
def test_real_samples_in_order_with_both_extremes(values: list[float], points: int) -> None:
    whole = Series(np.arange(len(values), dtype=np.float64), np.array(values, dtype=np.float64))
    found = downsample(whole, points)
    finite = [value for value in values if np.isfinite(value)]
    assert len(found.values) <= points
    assert (np.diff(found.times) > 0).all()
    assert all(values[int(time)] == value for time, value in zip(found.times, found.values, strict=True))
    if finite:
        assert (found.values.max(), found.values.min()) == (max(finite), min(finite))
