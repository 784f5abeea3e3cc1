"""Fewer points of a series for a plot or an answer, with its peaks and its dips kept."""

import numpy as np

from diagnostics.profile.profile import Series
from diagnostics.profile.samples import extremes, measured


def finite(series: Series) -> Series:
    """Without what was not measured (NaN), and in the order of time."""
    kept = measured(series.values) & measured(series.times)
    times, values = series.times[kept], series.values[kept]
    order = np.argsort(times, kind="stable")
    return Series(times[order], values[order])


def downsample(series: Series, max_points: int) -> Series:
    """At most `max_points` samples of the series, which are real ones with their own times.

    The samples are cut into max_points / 2 buckets of equally many neighbours, and of each the lowest and the highest
    stay: a spike of one sample is seen at any width, and the highest and lowest of all are exact. Samples that are not
    finite are left out. Raises ValueError for fewer than two points.
    """
    if max_points < 2:
        raise ValueError(f"a series cannot be shown with {max_points} points: ask for 2 or more")
    whole = finite(series)
    return whole if len(whole.values) <= max_points else extremes(whole, max_points // 2)
