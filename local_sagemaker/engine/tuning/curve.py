"""The values of the objective that a training job has emitted so far, one an epoch."""

import math
from array import array
from collections.abc import Iterable


class Curve:
    """Values in the order of the log, nan for one that was nan or infinite.

    `places` say which values came first over all training jobs, `averages[n]` is the mean of the first n + 1 values
    that are numbers (nan when there is none).
    """

    def __init__(self, emitted: Iterable[tuple[int, float | None]] = ()) -> None:
        self.places = array("q")
        self.values = array("d")
        self.averages = array("d")
        self._sum = 0.0
        self._numbers = 0
        self.extend(emitted)

    def __len__(self) -> int:
        """How many epochs."""
        return len(self.values)

    @property
    def last_place(self) -> int:
        """Where to read on."""
        return self.places[-1] if self.places else 0

    def extend(self, emitted: Iterable[tuple[int, float | None]]) -> None:
        """Add values with their places."""
        for place, value in emitted:
            self.places.append(place)
            self.values.append(math.nan if value is None else value)
            if value is not None:
                self._sum += value
                self._numbers += 1
            self.averages.append(self._sum / self._numbers if self._numbers else math.nan)
