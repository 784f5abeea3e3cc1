"""One request and its answer, as the metrics and the access log see it."""

from dataclasses import dataclass

from service.domain.timings import Timings
from service.errors import Problem

UNMATCHED = "unmatched"  # the route of unknown paths, and of what is refused before there is a route
CLIENT_LEFT = 499  # nginx's number for a client that went before its answer began: nobody's fault here


@dataclass(slots=True)
class Exchange:
    """What is known when the answer is out.

    `route` is a template (`/jobs/training/{name}`), `seconds` are from the first line of the request to the end of the
    answer, `bytes_in` and `bytes_out` those of the bodies. `complete` is false where client or service broke off.
    """

    request_id: str
    method: str
    path: str
    route: str
    status: int
    seconds: float
    bytes_in: int
    bytes_out: int
    complete: bool
    client: str | None = None
    user_agent: str | None = None
    timings: Timings | None = None
    problem: Problem | None = None
    trace_id: str | None = None
