"""Waiting for a condition instead of a time."""

import time
from collections.abc import Callable
from typing import Any

SECONDS = 60.0
PAUSE_SECONDS = 0.02


def wait_for(condition: Callable[[], Any], what: str, seconds: float = SECONDS) -> Any:
    """The first true answer of `condition`, asked again and again; fails with `what` was missing after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (answer := condition()):
        assert time.monotonic() < deadline, f"no {what} within {seconds:g} seconds"
        time.sleep(PAUSE_SECONDS)
    return answer
