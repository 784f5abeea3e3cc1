"""A series that grows: what was read so far of one metric, in bounded memory."""

from array import array

import numpy as np
import numpy.typing as npt

from diagnostics.profile.profile import Series, Values

Indices = npt.NDArray[np.intp]

LIMIT = 65_536  # samples of one series: nine hours at 500 ms
SAMPLE_BYTES = 16  # a time and a value: 16 MB for a million samples, 1 MB at most for a series
_LARGEST = 1e15  # bytes a second, epoch seconds, percent: nothing beyond it was measured


def measured(values: Values) -> npt.NDArray[np.bool_]:
    """Which of the values can be measurements: neither NaN nor infinite nor absurd."""
    sensible: npt.NDArray[np.bool_] = np.abs(values) < _LARGEST
    return sensible


class Samples:
    """Samples of one metric in the order in which they were read.

    When there are LIMIT of them, of every four neighbours the two between lowest and highest go: maxima and minima
    stay exact however long a job runs, percentiles of a long one are close.
    """

    def __init__(self) -> None:
        self._times = array("d")
        self._values = array("d")

    def __len__(self) -> int:
        return len(self._times)

    def extend(self, more: Series) -> None:
        """More samples, finite ones, in any order."""
        taken = 0
        while taken < len(more.times):
            upto = taken + LIMIT - len(self._times)
            self._times.frombytes(more.times[taken:upto].tobytes())
            self._values.frombytes(more.values[taken:upto].tobytes())
            if len(self._times) == LIMIT:
                thinned = extremes(self.series(), LIMIT // 4)
                self._times = array("d", thinned.times.tobytes())
                self._values = array("d", thinned.values.tobytes())
            taken = upto

    def series(self) -> Series:
        """All of them, in the order of time. The arrays are copies."""
        times, values = np.array(self._times, dtype=np.float64), np.array(self._values, dtype=np.float64)
        if (np.diff(times) < 0).any():
            order = np.argsort(times, kind="stable")
            times, values = times[order], values[order]
        return Series(times, values)


def extremes(series: Series, buckets: int) -> Series:
    """The lowest and the highest sample of each of so many buckets of neighbours, in the order of time.

    `series` holds finite values only, and at least one for each bucket.
    """
    edges = np.linspace(0, len(series.values), buckets, endpoint=False, dtype=np.intp)
    kept = np.unique(
        np.concatenate([_first_of(np.minimum, series.values, edges), _first_of(np.maximum, series.values, edges)])
    )
    return Series(series.times[kept], series.values[kept])


def _first_of(extreme: np.ufunc, values: Values, edges: Indices) -> Indices:
    """The index of the first extreme value of each bucket; buckets begin at `edges`."""
    lengths = np.diff(np.append(edges, len(values)))
    wanted = np.repeat(extreme.reduceat(values, edges), lengths)
    found = np.flatnonzero(values == wanted)
    bucket = np.repeat(np.arange(len(edges)), lengths)[found]
    _, first = np.unique(bucket, return_index=True)
    return found[first]
