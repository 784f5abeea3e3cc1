"""`import short_waits` in a client's script is its one change for the tests: the SDKs' polls of 5 to 30 s take 0.2 s.

The process's clock goes on by what was slept, because the SDKs also ask it whether the next poll is due.
"""

import time

LONGEST = 0.2
_sleep, _time = time.sleep, time.time
_left_out = [0.0]


def _short_sleep(seconds):
    _left_out.append(max(0.0, seconds - LONGEST))
    _sleep(min(seconds, LONGEST))


time.sleep = _short_sleep
time.time = lambda: _time() + sum(_left_out)
