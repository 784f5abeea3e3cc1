"""Fewer points of a long series that draw the same line."""

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]


def thinned(x: Values, y: Values, limit: int) -> tuple[Values, Values]:
    """About `limit` of the points, in order: both ends, each stretch's extremes, and a nan of each that has some."""
    if len(x) <= limit:
        return x, y
    stretches = max(1, (limit - 2) // 3)
    size = -(-len(y) // stretches)
    padded = np.full(stretches * size, np.nan)
    padded[: len(y)] = y
    table = padded.reshape(stretches, size)
    missing = np.isnan(table)
    missing_inside = missing.copy()
    missing_inside.reshape(-1)[len(y) :] = False
    base = np.arange(stretches) * size
    lowest = base + np.where(missing, np.inf, table).argmin(axis=1)
    highest = base + np.where(missing, -np.inf, table).argmax(axis=1)
    gaps = (base + missing_inside.argmax(axis=1))[missing_inside.any(axis=1)]
    kept = np.unique(np.concatenate([[0, len(y) - 1], lowest, highest, gaps]))
    kept = kept[kept < len(y)]
    return x[kept], y[kept]


def binned_means(times: Values, values: Values, edges: Values) -> Values:
    """The mean of the values in each bin between `edges`, nan where there are none."""
    known = np.isfinite(values)
    places = np.searchsorted(edges, times[known], side="right") - 1
    inside = (places >= 0) & (places < len(edges) - 1)
    places, values = places[inside], values[known][inside]
    sums = np.bincount(places, weights=values, minlength=len(edges) - 1)
    counts = np.bincount(places, minlength=len(edges) - 1)
    with np.errstate(invalid="ignore"):
        means: Values = np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
    return means
