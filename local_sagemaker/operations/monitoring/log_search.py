"""CloudWatch Logs: FilterLogEvents, the events of many streams in order of time.

An event's place is (time, stream, offset), and a token is the place of the last event that was looked at: a search
goes on from there, also in streams that are new since.
"""

import base64
import binascii
import heapq
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from local_sagemaker.errors import InvalidParameterException
from local_sagemaker.operations.context import Context
from local_sagemaker.operations.coverage import Structure
from local_sagemaker.operations.monitoring import log_filter
from local_sagemaker.operations.monitoring.log_streams import Stream, group_name, streams
from local_sagemaker.operations.monitoring.logs import EVENT_BYTES, MAX_PAGE_BYTES, shown, window_of
from local_sagemaker.runtime import job_log
from local_sagemaker.runtime.job_log import LogEvent

MAX_LOOKED_AT = 50_000  # events of one call, so that a search for nothing does not hold up other requests

SEARCH = Structure(
    "FilterLogEventsRequest",
    honoured=(
        *("logGroupName", "logGroupIdentifier", "logStreamNames", "logStreamNamePrefix", "startTime", "endTime"),
        *("filterPattern", "nextToken", "limit", "startFromHead"),
    ),
    without_effect={"interleaved": "as on AWS, events are always interleaved", "unmask": "nothing is masked here"},
)
STRUCTURES = (SEARCH,)

Place = tuple[int, str, int]  # epoch ms, stream, byte offset


def filter_log_events(context: Context, members: dict[str, Any]) -> dict[str, Any]:
    """A page of matching events, oldest first. It may be empty and yet have a nextToken, as on AWS.

    Raises InvalidParameterException, ResourceNotFoundException.
    """
    SEARCH.check(members)
    if members.get("startFromHead") is False:
        raise InvalidParameterException(
            "local_sagemaker does not support startFromHead false in FilterLogEvents: use GetLogEvents, which begins at"
            " the end of a stream, or give startTime."
        )
    wanted, window = log_filter.parse(members.get("filterPattern") or ""), window_of(members)
    after = _place(members.get("nextToken"))
    since = max(window.since_ms, after[0])
    events: list[dict[str, Any]] = []
    page_bytes, more = 0, {}
    looked_at = (entry for entry in _by_time(_searched(context, members), since) if entry[0] > after)
    for number, (place, event) in enumerate(looked_at):
        if window.until_ms is not None and event.timestamp_ms >= window.until_ms:
            break
        matches = wanted.matches(event.message)
        size = len(event.message) + EVENT_BYTES if matches else 0
        full = matches and (len(events) >= window.limit or (bool(events) and page_bytes + size > MAX_PAGE_BYTES))
        if full or number >= MAX_LOOKED_AT:
            more = {"nextToken": _token(after)}
            break
        after = place
        page_bytes += size
        if matches:
            events.append(_found(place, event))
    return {"events": events, "searchedLogStreams": [], **more}


def _searched(context: Context, members: Mapping[str, Any]) -> Sequence[Stream]:
    names, prefix = members.get("logStreamNames") or [], members.get("logStreamNamePrefix") or ""
    if names and prefix:
        raise InvalidParameterException("Cannot use both logStreamNames and logStreamNamePrefix.")
    group = group_name(members)
    if names:
        found = {stream.name: stream for name in names for stream in streams(context, group, name)}
        return [found[name] for name in dict.fromkeys(names) if name in found]
    return [stream for stream in streams(context, group, prefix) if stream.name.startswith(prefix)]


def _by_time(searched: Sequence[Stream], since_ms: int) -> Iterator[tuple[Place, LogEvent]]:
    """The events of all streams in order. A stream's file is only open between its first and its last event."""
    waiting: list[tuple[Place, int, LogEvent, Iterator[LogEvent] | None]] = []
    for number, stream in enumerate(searched):
        begin = job_log.offset_at(stream.file, since_ms) if since_ms else 0
        first = next(job_log.events_from(stream.file, begin), None)
        if first is not None:
            waiting.append(((first.timestamp_ms, stream.name, first.start), number, first, None))
    heapq.heapify(waiting)
    while waiting:
        place, number, event, following = waiting[0]
        yield place, event
        if following is None:
            following = job_log.events_from(searched[number].file, event.end)
        after = next(following, None)
        if after is None:
            heapq.heappop(waiting)
        else:
            heapq.heapreplace(waiting, ((after.timestamp_ms, place[1], after.start), number, after, following))


def _found(place: Place, event: LogEvent) -> dict[str, Any]:
    time_ms, stream, offset = place
    return {
        "logStreamName": stream,
        "timestamp": time_ms,
        "message": shown(event),
        "ingestionTime": time_ms,
        "eventId": f"{time_ms:014d}{zlib.crc32(stream.encode()):010d}{offset:015d}",
    }


def _token(place: Place) -> str:
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode()


def _place(token: str | None) -> Place:
    if token is None:
        return (0, "", -1)
    try:
        time_ms, stream, offset = json.loads(base64.urlsafe_b64decode(token.encode()))
        return int(time_ms), str(stream), int(offset)
    except (binascii.Error, ValueError, TypeError):
        raise InvalidParameterException("The specified nextToken is invalid.") from None
