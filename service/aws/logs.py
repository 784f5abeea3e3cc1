"""CloudWatch Logs of training jobs."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from service.aws.clients import Clients
from service.aws.errors import code_of, problems

TRAINING_JOBS_GROUP = "/aws/sagemaker/TrainingJobs"
MAX_EVENTS = 10_000  # GetLogEvents gives no more at once


@dataclass(frozen=True)
class Event:
    """One line of a log."""

    timestamp: datetime
    message: str


@dataclass(frozen=True)
class Events:
    """A page of a stream. `token` reads on from here, now or later."""

    events: list[Event]
    token: str


def training_job_streams(clients: Clients, name: str) -> list[str]:
    """The job's log streams (`JOB/algo-1-1737457745`), sorted; none before the job has written."""
    streams: list[str] = []
    paginator = clients.logs.get_paginator("describe_log_streams")
    with problems():
        try:
            for page in paginator.paginate(logGroupName=TRAINING_JOBS_GROUP, logStreamNamePrefix=f"{name}/"):
                streams += [stream["logStreamName"] for stream in page.get("logStreams", [])]
        except ClientError as error:
            if code_of(error) != "ResourceNotFoundException":  # the group is made with an account's first job
                raise
    return sorted(streams)


def read(
    clients: Clients, stream: str, token: str | None = None, limit: int = MAX_EVENTS, since: datetime | None = None
) -> Events:
    """One page of a training job's stream, the oldest lines first. An empty page means: nothing more by now."""
    request: dict[str, Any] = {"logGroupName": TRAINING_JOBS_GROUP, "logStreamName": stream, "limit": limit}
    if token is not None:
        request["nextToken"] = token
    if since is not None:
        request["startTime"] = int(since.timestamp() * 1000)
    with problems():
        answer = clients.logs.get_log_events(startFromHead=True, **request)
    events = [
        Event(datetime.fromtimestamp(event["timestamp"] / 1000, UTC), event["message"]) for event in answer["events"]
    ]
    return Events(events, answer["nextForwardToken"])


def read_all(clients: Clients, stream: str) -> Iterator[Events]:
    """Page after page of a stream, until CloudWatch has no more."""
    token: str | None = None
    while True:
        page = read(clients, stream, token)
        yield page
        if page.token == token:  # CloudWatch's word for the end; a page may be empty before it
            return
        token = page.token
