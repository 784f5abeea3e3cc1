"""FilterLogEvents: many streams in order of time, filter patterns, pages."""

from pathlib import Path
from typing import Any

import pytest

from local_sagemaker.errors import InvalidParameterException, ResourceNotFoundException
from local_sagemaker.operations.context import Context
from local_sagemaker.operations.jobs import training_jobs
from local_sagemaker.operations.monitoring import log_filter, log_search, log_streams
from tests.unit.local_sagemaker.operations.job_requests import check_response, make_context
from tests.unit.local_sagemaker.operations.test_job_rules import TRAINING

GROUP = {"logGroupName": log_streams.TRAINING_GROUP}


@pytest.fixture
def context(tmp_path: Path) -> Context:
    """Job a writes at 1000, 3000, 5000; b at 2000, 4000; b's second host at 2500."""
    context = make_context(tmp_path)
    logs = {"a/log": (1000, 3000, 5000), "b/log": (2000, 4000), "b/algo-2/log": (2500,)}
    for name in ("a", "b"):
        training_jobs.create_training_job(context, {**TRAINING, "TrainingJobName": name})
    for file, times in logs.items():
        path = context.settings.jobs_dir / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{time}\t{file[0]} says loss={time}\n" for time in times))
    return context


def search(context: Context, **asked: Any) -> tuple[list[int], str | None]:
    answer = log_search.filter_log_events(context, {**GROUP, **asked})
    check_response("logs", "FilterLogEvents", answer)
    return [event["timestamp"] for event in answer["events"]], answer.get("nextToken")


def test_streams_are_interleaved(context: Context) -> None:
    assert search(context) == ([1000, 2000, 2500, 3000, 4000, 5000], None)
    events = log_search.filter_log_events(context, GROUP)["events"]
    assert [event["logStreamName"].rpartition("-")[0] for event in events[:3]] == ["a/algo-1", "b/algo-1", "b/algo-2"]
    assert len({event["eventId"] for event in events}) == 6
    assert events == sorted(events, key=lambda event: event["eventId"])


def test_streams_and_times(context: Context) -> None:
    assert search(context, logStreamNamePrefix="a/")[0] == [1000, 3000, 5000]
    assert search(context, startTime=2000, endTime=4000)[0] == [2000, 2500, 3000]
    names = [stream.name for stream in log_streams.streams(context, log_streams.TRAINING_GROUP, "b/algo")]
    assert search(context, logStreamNames=names)[0] == [2000, 2500, 4000]
    assert search(context, logStreamNames=["b/algo-9-1"])[0] == []
    with pytest.raises(InvalidParameterException, match="both"):
        search(context, logStreamNames=["b"], logStreamNamePrefix="b")
    with pytest.raises(ResourceNotFoundException):
        log_search.filter_log_events(context, {"logGroupName": "/other"})
    with pytest.raises(InvalidParameterException, match="GetLogEvents"):
        search(context, startFromHead=False)


def test_pages_give_each_event_once(context: Context) -> None:
    seen: list[int] = []
    token = None
    for _ in range(3):
        found, token = search(context, limit=2, **({"nextToken": token} if token else {}))
        assert len(found) == 2
        seen += found
    assert token is None
    assert seen == [1000, 2000, 2500, 3000, 4000, 5000]
    for token in ("garbage", "W10="):
        with pytest.raises(InvalidParameterException, match="nextToken"):
            search(context, nextToken=token)


def test_a_page_looks_at_a_bounded_number_of_events(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_search, "MAX_LOOKED_AT", 4)
    found, token = search(context, filterPattern='"=5000"')
    assert found == []
    assert token is not None
    assert search(context, filterPattern='"=5000"', nextToken=token) == ([5000], None)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("", True),
        ("ERROR", True),
        ("error", False),
        ("ERROR code", True),
        ("ERROR other", False),
        ('"exit code: 3"', True),
        ('"a \\"word\\""', True),
        ("ERROR -code", False),
        ("?nothing ?code", True),
        ("?nothing ?none", False),
    ],
)
def test_patterns(pattern: str, expected: bool) -> None:
    assert log_filter.parse(pattern).matches('ERROR exit code: 3, a "word"') is expected


@pytest.mark.parametrize("pattern", ["{ $.level = 1 }", "[ip, user]", "%re%", "exit:3", '"open', "a*"])
def test_other_patterns_are_refused(pattern: str) -> None:
    with pytest.raises(InvalidParameterException, match="quoted strings"):
        log_filter.parse(pattern)


def test_groups(context: Context) -> None:
    log = context.settings.endpoints_dir / "dogs/logs/AllTraffic/i-1"
    log.parent.mkdir(parents=True)
    log.write_text("1000\tup\n")
    answer = log_streams.describe_log_groups(context, {})
    check_response("logs", "DescribeLogGroups", answer)
    names = [group["logGroupName"] for group in answer["logGroups"]]
    assert names == ["/aws/sagemaker/Endpoints/dogs", log_streams.TRAINING_GROUP]
    page = log_streams.describe_log_groups(context, {"limit": 1})
    rest = log_streams.describe_log_groups(context, {"nextToken": page["nextToken"]})
    assert page["logGroups"] + rest["logGroups"] == answer["logGroups"]
    assert "nextToken" not in rest
    found = log_streams.describe_log_groups(context, {"logGroupNamePrefix": "/aws/sagemaker/E"})["logGroups"]
    assert [group["logGroupName"] for group in found] == names[:1]
    with pytest.raises(InvalidParameterException):
        log_streams.describe_log_groups(context, {"logGroupNamePrefix": "/a", "logGroupNamePattern": "a"})
