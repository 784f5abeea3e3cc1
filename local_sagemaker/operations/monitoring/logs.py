"""CloudWatch Logs: GetLogEvents over the files that jobs and model servers write.

Tokens are byte offsets, `f/N` and `b/N`: a forward token that came with the last event gives, later, what has been
written since. Two SDKs loop on tokens, so an offset stays good for ever.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local_sagemaker.operations.context import Context
from local_sagemaker.operations.coverage import Structure
from local_sagemaker.operations.monitoring.log_streams import group_name, place, stream_of
from local_sagemaker.runtime import job_log
from local_sagemaker.runtime.job_log import LogEvent

MAX_EVENTS = 10_000
MAX_PAGE_BYTES = 1024 * 1024
EVENT_BYTES = 26  # CloudWatch counts so many for each event beside its message

EVENTS = Structure(
    "GetLogEventsRequest",
    honoured=(
        *("logGroupName", "logGroupIdentifier", "logStreamName", "startTime", "endTime"),
        *("nextToken", "limit", "startFromHead"),
    ),
    without_effect={"unmask": "nothing is masked here"},
)
STRUCTURES = (EVENTS,)


@dataclass(frozen=True)
class Window:
    """Which events are asked for; `until_ms` is not part of it."""

    since_ms: int
    until_ms: int | None
    limit: int

    def holds(self, event: LogEvent) -> bool:
        """Whether the event lies in it."""
        return event.timestamp_ms >= self.since_ms and (self.until_ms is None or event.timestamp_ms < self.until_ms)


def window_of(members: Mapping[str, Any]) -> Window:
    """The window that a request asks for."""
    return Window(members.get("startTime", 0), members.get("endTime"), members.get("limit", MAX_EVENTS))


def get_log_events(context: Context, members: dict[str, Any]) -> dict[str, Any]:
    """A page of events in order of time, and the tokens of the pages after and before it."""
    EVENTS.check(members)
    file = stream_of(context, group_name(members), members["logStreamName"]).file
    window = window_of(members)
    token = members.get("nextToken")
    if (token or "").startswith("b/") or (token is None and not members.get("startFromHead")):
        last = job_log.size_bytes(file) if window.until_ms is None else job_log.offset_at(file, window.until_ms)
        events, start, end = _backward(file, min(place(token, "b"), last) if token else last, window)
    else:
        first = job_log.offset_at(file, window.since_ms) if window.since_ms else 0
        events, start, end = _forward(file, max(place(token, "f"), first), window)
    return {
        "events": [
            {"timestamp": event.timestamp_ms, "message": shown(event), "ingestionTime": event.timestamp_ms}
            for event in events
        ],
        "nextForwardToken": f"f/{end}",
        "nextBackwardToken": f"b/{start}",
    }


def shown(event: LogEvent) -> str:
    """The event's message; CloudWatch has no empty ones."""
    return event.message or " "


def _forward(file: Path, offset: int, window: Window) -> tuple[list[LogEvent], int, int]:
    events, start, end = [], offset, offset
    for event, full in _page(job_log.events_from(file, offset), window):
        if full or (window.until_ms is not None and event.timestamp_ms >= window.until_ms):
            break
        end = event.end
        if window.holds(event):
            events.append(event)
    return events, events[0].start if events else start, end


def _backward(file: Path, offset: int, window: Window) -> tuple[list[LogEvent], int, int]:
    events: list[LogEvent] = []
    start, end = offset, None
    for event, full in _page(job_log.events_before(file, offset), window):
        if full:
            break
        start = event.start
        end = event.end if end is None else end  # an unfinished line is not part of the page
        if window.holds(event):
            events.append(event)
        elif event.timestamp_ms < window.since_ms:
            break
    return events[::-1], start, offset if end is None else end


def _page(events: Iterator[LogEvent], window: Window) -> Iterator[tuple[LogEvent, bool]]:
    """Events, each with whether the page was full before it."""
    count = page_bytes = 0
    for event in events:
        held = window.holds(event)
        size = len(event.message) + EVENT_BYTES if held else 0
        yield event, held and (count >= window.limit or (count > 0 and page_bytes + size > MAX_PAGE_BYTES))
        count += held
        page_bytes += size
