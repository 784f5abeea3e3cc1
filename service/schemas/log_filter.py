"""Query parameters of a training job's log."""

from typing import Annotated

from pydantic import AwareDatetime, Field

from service.schemas.page import Body

MAX_LINES = 10_000
DEFAULT_LINES = 1000


class LogFilter(Body):
    """Which lines of which stream."""

    stream: Annotated[str | None, Field(max_length=512, description="One of `streams`; default the first.")] = None
    cursor: Annotated[
        str | None,
        Field(min_length=1, max_length=8192, description="`next_cursor` of the page before; without it the start."),
    ] = None
    limit: Annotated[int, Field(ge=1, le=MAX_LINES, description="How many lines a page has at most.")] = DEFAULT_LINES
    start_time: Annotated[AwareDatetime | None, Field(description="Only lines from this time on.")] = None
