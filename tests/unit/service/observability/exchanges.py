"""Requests that are over, for tests."""

from dataclasses import replace
from typing import Any

from service.domain.timings import Timings
from service.observability.exchange import Exchange

PREDICTION = Exchange(
    request_id="abc",
    method="POST",
    path="/predict",
    route="/predict",
    status=200,
    seconds=0.0412,
    bytes_in=102_332,
    bytes_out=412,
    complete=True,
    client="127.0.0.1",
    user_agent="curl/8.5.0",
    timings=Timings("dog-breeds", parse=0.0004, sign=0.0001, wait=0.0, model=0.0398),
)


def prediction(**members: Any) -> Exchange:
    """A good prediction, but for these members."""
    return replace(PREDICTION, **members)
