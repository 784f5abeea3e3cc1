"""`import short_waits` in a client's script is its one change for the tests: the SDKs' polls of 5 to 30 s take 0.2 s.

The process's clock goes on by what was slept, because the SDKs also ask it whether the next poll is due.
"""

import time

_sleep = time.sleep
_time = time.time
_ahead = 0.0


def _short_sleep(seconds):
    global _ahead
    real = min(seconds, 0.2)
    _ahead += seconds - real
    _sleep(real)


time.sleep = _short_sleep
time.time = lambda: _time() + _ahead
