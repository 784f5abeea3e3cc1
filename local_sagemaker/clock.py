"""The time by which the server judges and stamps: the machine's as it was at first, going on at an even pace.

The machine's own clock may jump, when it is set or synchronised; a job would then seem to have run for a day, or to
have ended before it began. A restart takes the machine's time anew.
"""

import functools
import time


def now() -> float:
    """Epoch seconds. Never goes back, and counts the time that the machine slept."""
    return _epoch() + time.clock_gettime(time.CLOCK_BOOTTIME)


@functools.cache
def _epoch() -> float:
    return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
