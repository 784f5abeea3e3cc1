import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from diagnostics.report.thinning import Values, binned_means, thinned

VALUES = st.lists(st.one_of(st.floats(-1e6, 1e6), st.just(float("nan"))), min_size=1, max_size=500)


@given(VALUES, st.integers(min_value=8, max_value=60))
def test_extremes_ends_and_gaps_stay(values: list[float], limit: int) -> None:
    y: Values = np.array(values, dtype=np.float64)
    x, kept = thinned(np.arange(len(y), dtype=np.float64), y, limit)
    assert len(kept) <= max(limit + (limit - 2) // 3, 8)
    assert (np.diff(x) > 0).all()
    np.testing.assert_array_equal(kept, y[x.astype(int)])  # points of the series, none invented
    assert (x[0], x[-1]) == (0, len(y) - 1)
    assert np.isnan(kept).any() == np.isnan(y).any()
    if not np.isnan(y).all():
        assert (np.nanmin(kept), np.nanmax(kept)) == (np.nanmin(y), np.nanmax(y))


def test_a_short_series_stays_as_it_is() -> None:
    x = y = np.arange(10, dtype=np.float64)
    assert thinned(x, y, 10)[0] is x


def test_a_single_spike_in_a_long_series_is_seen() -> None:
    y = np.zeros(100_000)
    y[54_321] = 7
    x, kept = thinned(np.arange(100_000, dtype=np.float64), y, 900)
    assert len(kept) <= 1200
    assert x[kept.argmax()] == 54_321


def test_means_by_bin() -> None:
    times, values = np.array([0.0, 1, 2, 3, 9]), np.array([1.0, 3, np.nan, 5, 8])
    edges = np.array([0.0, 2, 4, 6])
    np.testing.assert_array_equal(binned_means(times, values, edges), [2.0, 5.0, np.nan])
