"""A training job's log: pages to follow, and the metrics that its regexes find."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from service.aws import logs, sagemaker_jobs
from service.aws.clients import Clients
from service.aws.logs import Event
from service.domain.training_job_answer import number
from service.errors import BadRequest
from service.schemas.job import TrainingJobStatus
from service.schemas.log_filter import LogFilter
from service.schemas.training_log import LogLine, LogPage, MetricPoint, MetricSeries, TrainingMetrics

MAX_PAGES = 50  # half a million lines, or 50 MB: what one request reads at most


def page(clients: Clients, name: str, asked: LogFilter) -> LogPage:
    """One page of one stream's lines. Raises TrainingJobNotFound, and BadRequest for a stream the job does not have."""
    streams = logs.training_job_streams(clients, name)
    if asked.stream is not None and asked.stream not in streams:
        _is_over(clients, name)  # an unknown job is the better answer
        there = ", ".join(streams) or "none yet"
        raise BadRequest(f"The training job {name} has no log stream {asked.stream}.", f"Its streams are: {there}.")
    if not streams:
        return LogPage(items=[], next_cursor=None, complete=_is_over(clients, name), stream=None, streams=[])
    chosen = asked.stream or streams[0]
    read = logs.read(clients, chosen, asked.cursor, asked.limit, asked.start_time)
    complete = False
    if not read.events and _is_over(clients, name):
        # The job may have written its last lines between the two calls: they are there now.
        read = logs.read(clients, chosen, read.token, asked.limit, asked.start_time)
        complete = not read.events
    return LogPage(
        items=[LogLine(timestamp=event.timestamp, message=event.message) for event in read.events],
        next_cursor=None if complete else read.token,
        complete=complete,
        stream=chosen,
        streams=streams,
    )


def metrics(clients: Clients, name: str) -> TrainingMetrics:
    """Every metric of the job over time, read from its log. Raises TrainingJobNotFound."""
    job = sagemaker_jobs.describe_training_job(clients, name)
    events: list[Event] = []
    truncated = False
    for stream in logs.training_job_streams(clients, name):
        for count, read in enumerate(logs.read_all(clients, stream), start=1):
            events += read.events
            if count == MAX_PAGES:
                truncated = True
                break
    return TrainingMetrics(
        series=series(job, events), complete=TrainingJobStatus(job["TrainingJobStatus"]).is_over, truncated=truncated
    )


def series(job: Mapping[str, Any], events: Iterable[Event]) -> list[MetricSeries]:
    """One series a metric definition of DescribeTrainingJob's answer, in the order of the definitions."""
    definitions = job.get("AlgorithmSpecification", {}).get("MetricDefinitions", [])
    finals = {data["MetricName"]: data["Value"] for data in job.get("FinalMetricDataList", [])}
    points: dict[str, list[MetricPoint]] = {definition["Name"]: [] for definition in definitions}
    regexes = [(definition["Name"], _compiled(definition)) for definition in definitions]
    for event in sorted(events, key=lambda event: event.timestamp):  # stable: lines of one moment keep their order
        for metric, regex in regexes:
            points[metric] += points_of(event, regex)
    return [
        MetricSeries(name=metric, points=found, final_value=_final(finals.get(metric), found))
        for metric, found in points.items()
    ]


def points_of(event: Event, regex: re.Pattern[str]) -> list[MetricPoint]:
    """The values of one metric in a line."""
    values = [_value(match) for match in regex.finditer(event.message)]
    return [MetricPoint(timestamp=event.timestamp, value=number(value)) for value in values if value is not None]


def _compiled(definition: Mapping[str, str]) -> re.Pattern[str]:
    try:
        return re.compile(definition["Regex"])
    except re.error as error:
        name, regex = definition["Name"], definition["Regex"]
        detail = f"The job's metric definition {name} has the regex {regex}, which Python cannot read: {error}."
        raise BadRequest(detail, "Read the job's logs instead; its final_metrics are SageMaker's own.") from error


def _value(match: re.Match[str]) -> float | None:
    """The first group as a number, as SageMaker reads it; None for what is none."""
    try:
        return float(match.group(1))
    except (IndexError, TypeError, ValueError):
        return None


def _final(kept: float | None, found: list[MetricPoint]) -> float | None:
    if kept is not None:
        return number(kept)
    return found[-1].value if found else None


def _is_over(clients: Clients, name: str) -> bool:
    return TrainingJobStatus(sagemaker_jobs.describe_training_job(clients, name)["TrainingJobStatus"]).is_over
