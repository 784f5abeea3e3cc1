"""How long an epoch's steps took, and how long they waited for their batches."""

import time
from collections.abc import Callable, Iterator

import numpy as np
from batches import Batch

PERCENTILES = (50, 90, 99)


class StepTimes:
    """Of the steps of one epoch since the job began or went on."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._waits: list[float] = []
        self._steps: list[float] = []

    def watch(self, batches: Iterator[Batch]) -> Iterator[Batch]:
        """The same batches. A step lasts from its batch's arrival until the next one is asked for."""
        asked = self._clock()
        for batch in batches:
            arrived = self._clock()
            yield batch
            asked, waited = self._clock(), arrived - asked
            self._waits.append(waited)
            self._steps.append(asked - arrived)

    def line(self) -> str | None:
        """The figures that the metric definitions read, in seconds; None where no step was taken."""
        if not self._steps:
            return None
        figures = [f"step_seconds_p{part}={np.percentile(self._steps, part):.6f}" for part in PERCENTILES]
        return " ".join([f"steps={len(self._steps)} loader_wait_seconds={sum(self._waits):.6f}", *figures])
