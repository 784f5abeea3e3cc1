"""CloudWatch Logs: which groups and streams there are. A stream is a file that a job or a model server writes."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local_sagemaker.errors import InvalidParameterException, ResourceNotFoundException
from local_sagemaker.operations.context import Context
from local_sagemaker.operations.coverage import Structure
from local_sagemaker.runtime import job_log
from local_sagemaker.runtime.serving import logs as serving_logs
from local_sagemaker.runtime.training.folder import FIRST_HOST
from local_sagemaker.store import pages

TRAINING_GROUP = "/aws/sagemaker/TrainingJobs"
DEFAULT_STREAMS = 50
DEFAULT_GROUPS = 50
_TOKEN = re.compile(r"([fb])/(\d{1,18})")

_ONE_ACCOUNT = "there is one account; leave it out"
GROUPS = Structure(
    "DescribeLogGroupsRequest",
    honoured=("logGroupNamePrefix", "logGroupNamePattern", "nextToken", "limit"),
    refused={
        "accountIdentifiers": _ONE_ACCOUNT,
        "includeLinkedAccounts": _ONE_ACCOUNT,
        "logGroupClass": "all groups are of class STANDARD; leave it out",
        "logGroupIdentifiers": "use logGroupNamePrefix",
    },
)
STRUCTURES = (GROUPS,)


@dataclass(frozen=True)
class Stream:
    """A log stream: one file."""

    name: str
    file: Path


def describe_log_groups(context: Context, members: dict[str, Any]) -> dict[str, Any]:
    """The group of training jobs, and one for each endpoint that has logs. Raises InvalidParameterException."""
    GROUPS.check(members)
    prefix, pattern = members.get("logGroupNamePrefix") or "", members.get("logGroupNamePattern") or ""
    if prefix and pattern:
        raise InvalidParameterException("logGroupNamePrefix and logGroupNamePattern are mutually exclusive parameters.")
    names = [
        name
        for name in sorted([TRAINING_GROUP, *_endpoint_groups(context)])
        if name.startswith(prefix) and pattern.lower() in name.lower()
    ]
    first = place(members.get("nextToken"), "f")
    last = first + members.get("limit", DEFAULT_GROUPS)
    more = {"nextToken": f"f/{last}"} if last < len(names) else {}
    return {
        "logGroups": [
            {
                "logGroupName": name,
                "arn": f"{group_arn(context, name)}:*",
                "logGroupArn": group_arn(context, name),
                "logGroupClass": "STANDARD",
                "metricFilterCount": 0,
            }
            for name in names[first:last]
        ],
        **more,
    }


def describe_log_streams(context: Context, members: dict[str, Any]) -> dict[str, Any]:
    """Streams of a group that have a file, by name or by their last event."""
    group = group_name(members)
    by_time = members.get("orderBy") == "LastEventTime"
    prefix = members.get("logStreamNamePrefix") or ""
    if by_time and prefix:
        raise InvalidParameterException("Cannot order by LastEventTime with a logStreamNamePrefix.")
    found = [stream for stream in streams(context, group, prefix) if stream.name.startswith(prefix)]
    first = place(members.get("nextToken"), "f")
    last = first + members.get("limit", DEFAULT_STREAMS)
    more = {"nextToken": f"f/{last}"} if last < len(found) else {}
    key = (lambda stream: (_last_event_ms(stream), stream.name)) if by_time else (lambda stream: (0, stream.name))
    found.sort(key=key, reverse=bool(members.get("descending")))
    return {"logStreams": [_described(context, group, stream) for stream in found[first:last]], **more}


def group_name(members: Mapping[str, Any]) -> str:
    """The name of the group that a request is about. Raises InvalidParameterException when it names none."""
    group = members.get("logGroupName") or (members.get("logGroupIdentifier") or "").rpartition("log-group:")[2]
    if not group:
        raise InvalidParameterException("Either logGroupName or logGroupIdentifier is required.")
    return str(group).removesuffix(":*")


def group_arn(context: Context, group: str) -> str:
    """The ARN of a log group."""
    return f"arn:aws:logs:{context.region}:{context.settings.account_id}:log-group:{group}"


def streams(context: Context, group: str, prefix: str = "") -> list[Stream]:
    """The streams of a group; those that do not start with `prefix` may be missing. ResourceNotFoundException."""
    if group == TRAINING_GROUP:
        return list(_training_streams(context, prefix))
    if group.startswith(serving_logs.GROUP_PREFIX):
        files = serving_logs.log_streams(context.settings, group.removeprefix(serving_logs.GROUP_PREFIX))
        if files:
            return [Stream(name, file) for name, file in files.items()]
    raise ResourceNotFoundException("The specified log group does not exist.")


def stream_of(context: Context, group: str, name: str) -> Stream:
    """One stream by its whole name. Raises ResourceNotFoundException."""
    for stream in streams(context, group, name):
        if stream.name == name:
            return stream
    raise ResourceNotFoundException("The specified log stream does not exist.")


def place(token: str | None, kind: str) -> int:
    """The number in a token `KIND/N`, 0 without one. Raises InvalidParameterException."""
    if token is None:
        return 0
    match = _TOKEN.fullmatch(token)
    if match is None or match[1] != kind:
        raise InvalidParameterException("The specified nextToken is invalid.")
    return int(match[2])


def _endpoint_groups(context: Context) -> Iterator[str]:
    spelled = {name.lower(): name for name, _ in pages.names(context.database, pages.ENDPOINTS)}
    for folder in context.settings.endpoints_dir.glob("*/logs"):
        name = spelled.get(folder.parent.name, folder.parent.name)  # logs outlive their endpoint
        if serving_logs.log_streams(context.settings, name):
            yield serving_logs.log_group(name)


def _training_streams(context: Context, prefix: str) -> Iterator[Stream]:
    job, slash, _ = prefix.partition("/")
    found = pages.names(context.database, pages.TRAINING_JOBS, prefix=job, name=job if slash else None)
    for name, created_at in found:
        folder = context.settings.jobs_dir / name
        hosts = {FIRST_HOST: folder / "log", **{log.parent.name: log for log in folder.glob("algo-*/log")}}
        for host, file in hosts.items():
            if file.exists():
                yield Stream(f"{name}/{host}-{int(created_at)}", file)


def _last_event_ms(stream: Stream) -> int:
    last = next(job_log.events_before(stream.file, job_log.size_bytes(stream.file)), None)
    return 0 if last is None else last.timestamp_ms


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
    arn = f"{group_arn(context, group)}:log-stream:{stream.name}"
    return {"logStreamName": stream.name, "arn": arn, "storedBytes": size, **times}
