"""A training job's events over HTTP: polls with back-off, heartbeats, and an end when the service ends."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress

from starlette.concurrency import run_in_threadpool

from service.domain.job_events import JobEvent, JobFollower, failed
from service.errors import AwsUnavailable, EvaluationBusy, Problem, Throttled

FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 5.0
BACK_OFF = 1.5
HEARTBEAT_SECONDS = 15.0
PATIENCE = 10  # polls in a row that AWS may refuse
TRANSIENT = (Throttled, AwsUnavailable, EvaluationBusy)


async def event_stream(
    follower: JobFollower, first: list[JobEvent], path: str, leaving: asyncio.Event
) -> AsyncIterator[bytes]:
    """The events from `first` on, until the job's end. Between two polls it holds no thread."""
    found, pause, told_at, refused = first, FIRST_PAUSE_SECONDS, time.monotonic(), 0
    while True:
        if found:
            yield "".join(event.text() for event in found).encode(errors="replace")
            if found[-1].kind in {"end", "problem"}:
                return
            told_at, pause = time.monotonic(), FIRST_PAUSE_SECONDS
        elif time.monotonic() - told_at >= HEARTBEAT_SECONDS:
            yield b": nothing new\n\n"
            told_at = time.monotonic()
        with suppress(TimeoutError):
            await asyncio.wait_for(leaving.wait(), pause)
            return  # the client connects again, with its last id, once the service is up
        pause = min(pause * BACK_OFF, LONGEST_PAUSE_SECONDS)
        try:
            found, refused = await run_in_threadpool(follower.poll), 0
        except TRANSIENT as problem:
            refused += 1
            found = [failed(problem, path)] if refused == PATIENCE else []
            pause = LONGEST_PAUSE_SECONDS
        except Problem as problem:
            found = [failed(problem, path)]
