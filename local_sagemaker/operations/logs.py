"""CloudWatch Logs: DescribeLogStreams and GetLogEvents over the files that jobs and model servers write.

Tokens are byte offsets, `f/N` and `b/N`: a forward token that came with the last event gives, later, what has been
written since. Two SDKs loop on tokens, so nextToken is only there when there is more.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local_sagemaker.errors import InvalidParameterException, ResourceNotFoundException
from local_sagemaker.operations.context import Context
from local_sagemaker.runtime import job_log, serving_logs
from local_sagemaker.runtime.job_log import LogEvent
from local_sagemaker.store import training_jobs

TRAINING_GROUP = "/aws/sagemaker/TrainingJobs"
MAX_EVENTS = 10_000
MAX_PAGE_BYTES = 1024 * 1024
DEFAULT_STREAMS = 50
_TOKEN = re.compile(r"([fb])/(\d{1,18})")


@dataclass(frozen=True)
class Stream:
    """A log stream: one file."""

    name: str
    file: Path


@dataclass(frozen=True)
class Window:
    """Which events are asked for; `until_ms` is not part of it."""

    since_ms: int
    until_ms: int | None
    limit: int

    def holds(self, event: LogEvent) -> bool:
        """Whether the event lies in it."""
        return event.timestamp_ms >= self.since_ms and (self.until_ms is None or event.timestamp_ms < self.until_ms)


def training_log_stream(name: str, created_at: float) -> str:
    """The stream of a training job: `<job>/algo-1-<epoch>`."""
    return f"{name}/algo-1-{int(created_at)}"


def describe_log_streams(context: Context, members: dict[str, Any]) -> dict[str, Any]:
    """Streams of a group that have a file, by name or by their last event."""
    group, streams = _streams(context, members)
    by_time = members.get("orderBy") == "LastEventTime"
    prefix = members.get("logStreamNamePrefix") or ""
    if by_time and prefix:
        raise InvalidParameterException("Cannot order by LastEventTime with a logStreamNamePrefix.")
    described = [_described(context, group, stream) for stream in streams if stream.name.startswith(prefix)]
    order = "lastEventTimestamp" if by_time else "logStreamName"
    described.sort(
        key=lambda stream: (stream.get(order, 0), stream["logStreamName"]), reverse=bool(members.get("descending"))
    )
    first = _place(members.get("nextToken"), "f")
    last = first + members.get("limit", DEFAULT_STREAMS)
    more = {"nextToken": f"f/{last}"} if last < len(described) else {}
    return {"logStreams": described[first:last], **more}


def get_log_events(context: Context, members: dict[str, Any]) -> dict[str, Any]:
    """A page of events in order of time, and the tokens of the pages after and before it."""
    _, streams = _streams(context, members)
    stream = next((stream for stream in streams if stream.name == members["logStreamName"]), None)
    if stream is None:
        raise ResourceNotFoundException("The specified log stream does not exist.")
    window = Window(members.get("startTime", 0), members.get("endTime"), members.get("limit", MAX_EVENTS))
    token = members.get("nextToken")
    if (token or "").startswith("b/") or (token is None and not members.get("startFromHead")):
        size = job_log.size_bytes(stream.file)
        events, start, end = _backward(stream.file, _place(token, "b") if token else size, window)
    else:
        events, start, end = _forward(stream.file, _place(token, "f") if token else 0, window)
    return {
        "events": [
            {"timestamp": event.timestamp_ms, "message": event.message or " ", "ingestionTime": event.timestamp_ms}
            for event in events
        ],
        "nextForwardToken": f"f/{end}",
        "nextBackwardToken": f"b/{start}",
    }


def _forward(file: Path, offset: int, window: Window) -> tuple[list[LogEvent], int, int]:
    events, start, end = [], offset, offset
    for event, full in _page(job_log.events_from(file, offset), window):
        if full:
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
        size = len(event.message) + 26 if held else 0  # CloudWatch counts 26 bytes for each event
        yield event, held and (count >= window.limit or (count > 0 and page_bytes + size > MAX_PAGE_BYTES))
        count += held
        page_bytes += size


def _place(token: str | None, kind: str) -> int:
    if token is None:
        return 0
    match = _TOKEN.fullmatch(token)
    if match is None or match[1] != kind:
        raise InvalidParameterException("The specified nextToken is invalid.")
    return int(match[2])


def _streams(context: Context, members: Mapping[str, Any]) -> tuple[str, list[Stream]]:
    group = members.get("logGroupName") or (members.get("logGroupIdentifier") or "").rpartition("log-group:")[2]
    if not group:
        raise InvalidParameterException("Either logGroupName or logGroupIdentifier is required.")
    if group == TRAINING_GROUP:
        return group, list(_training_streams(context, members))
    if group.startswith(serving_logs.GROUP_PREFIX):
        files = serving_logs.log_streams(context.settings, group.removeprefix(serving_logs.GROUP_PREFIX))
        if files:
            return group, [Stream(name, file) for name, file in files.items()]
    raise ResourceNotFoundException("The specified log group does not exist.")


def _training_streams(context: Context, members: Mapping[str, Any]) -> Iterator[Stream]:
    asked = members.get("logStreamName") or members.get("logStreamNamePrefix") or ""
    if "/" in asked:  # one job's: the common case, and cheap
        one = training_jobs.get(context.database, asked.partition("/")[0])
        jobs = [one] if one else []
    else:
        jobs = training_jobs.all_jobs(context.database)
    for job in jobs:
        file = context.settings.jobs_dir / job.name / "log"
        if file.exists():
            yield Stream(training_log_stream(job.name, job.created_at), file)


def _described(context: Context, group: str, stream: Stream) -> dict[str, Any]:
    size = job_log.size_bytes(stream.file)
    first = next(job_log.events_from(stream.file, 0), None)
    last = next(job_log.events_before(stream.file, size), None)
    times = (
        {}
        if first is None or last is None
        else {
            "creationTime": first.timestamp_ms,
            "firstEventTimestamp": first.timestamp_ms,
            "lastEventTimestamp": last.timestamp_ms,
            "lastIngestionTime": last.timestamp_ms,
        }
    )
    account = context.settings.account_id
    return {
        "logStreamName": stream.name,
        "arn": f"arn:aws:logs:{context.region}:{account}:log-group:{group}:log-stream:{stream.name}",
        "storedBytes": size,
        **times,
    }
