"""CloudWatch Logs over files."""

import time
from pathlib import Path
from typing import Any

import pytest

from local_sagemaker.errors import InvalidParameterException, ResourceNotFoundException
from local_sagemaker.operations.context import Context
from local_sagemaker.operations.jobs import training_jobs
from local_sagemaker.operations.monitoring import log_streams, logs
from tests.unit.local_sagemaker.operations.job_requests import check_response, make_context
from tests.unit.local_sagemaker.operations.test_job_rules import TRAINING

GROUP = {"logGroupName": log_streams.TRAINING_GROUP}


@pytest.fixture
def context(tmp_path: Path) -> Context:
    context = make_context(tmp_path)
    for name, lines in (("a", 5), ("b", 1)):
        training_jobs.create_training_job(context, {**TRAINING, "TrainingJobName": name})
        folder = context.settings.jobs_dir / name
        folder.mkdir(parents=True)
        (folder / "log").write_text("".join(f"{1000 * number}\tline {number}\n" for number in range(1, lines + 1)))
    return context


def stream(context: Context, name: str = "a") -> dict[str, Any]:
    found = log_streams.describe_log_streams(context, {**GROUP, "logStreamNamePrefix": f"{name}/", "limit": 1})
    check_response("logs", "DescribeLogStreams", found)
    assert "nextToken" not in found
    [only] = found["logStreams"]
    return {**GROUP, "logStreamName": only["logStreamName"]}


def read(context: Context, **asked: Any) -> tuple[list[str], str, str]:
    answer = logs.get_log_events(context, {**stream(context), **asked})
    check_response("logs", "GetLogEvents", answer)
    return [event["message"] for event in answer["events"]], answer["nextForwardToken"], answer["nextBackwardToken"]


def test_streams(context: Context) -> None:
    assert stream(context)["logStreamName"].startswith("a/algo-1-")
    everything = log_streams.describe_log_streams(context, {**GROUP, "limit": 1})
    assert everything["nextToken"]
    rest = log_streams.describe_log_streams(context, {**GROUP, "limit": 1, "nextToken": everything["nextToken"]})
    assert "nextToken" not in rest
    names = [found["logStreamName"][0] for page in (everything, rest) for found in page["logStreams"]]
    assert names == ["a", "b"]
    latest = log_streams.describe_log_streams(context, {**GROUP, "orderBy": "LastEventTime", "descending": True})
    assert latest["logStreams"][0]["lastEventTimestamp"] == 5000
    assert log_streams.describe_log_streams(context, {**GROUP, "logStreamNamePrefix": "none/"}) == {"logStreams": []}
    with pytest.raises(ResourceNotFoundException):
        log_streams.describe_log_streams(context, {"logGroupName": "/other"})
    with pytest.raises(ResourceNotFoundException):
        logs.get_log_events(context, {**GROUP, "logStreamName": "a/algo-2-1"})


def test_pages_forward_and_backward(context: Context) -> None:
    assert read(context)[0] == [f"line {number}" for number in range(1, 6)]
    head, forward, _ = read(context, startFromHead=True, limit=2)
    assert head == ["line 1", "line 2"]
    middle, forward, _ = read(context, nextToken=forward, limit=2)
    assert middle == ["line 3", "line 4"]
    end, forward, back = read(context, nextToken=forward)
    assert end == ["line 5"]
    assert read(context, nextToken=forward)[:2] == ([], forward)  # again and again, until more is written
    assert read(context, nextToken=back, limit=2)[0] == ["line 3", "line 4"]
    with (context.settings.jobs_dir / "a/log").open("a") as log:
        log.write("6000\tline 6\n")
    assert read(context, nextToken=forward)[0] == ["line 6"]
    assert read(context, limit=1)[0] == ["line 6"]


def test_times_bound_the_page(context: Context) -> None:
    assert read(context, startTime=2000, endTime=4000, startFromHead=True)[0] == ["line 2", "line 3"]
    assert read(context, startTime=2000, endTime=4000)[0] == ["line 2", "line 3"]
    assert read(context, startTime=2000, endTime=5000, limit=1)[0] == ["line 4"]
    found, forward, _ = read(context, startTime=4000, startFromHead=True, limit=1)
    assert found == ["line 4"]
    assert read(context, startTime=4000, nextToken=forward)[0] == ["line 5"]
    assert read(context, startTime=int(time.time() * 1000), startFromHead=True)[0] == []


def test_a_page_is_bounded_in_bytes(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "MAX_PAGE_BYTES", 70)
    found, forward, _ = read(context, startFromHead=True)
    assert found == ["line 1", "line 2"]
    assert read(context, nextToken=forward)[0] == ["line 3", "line 4"]


def test_a_bad_token_is_refused(context: Context) -> None:
    for token in ("garbage", "f/x", "b/-1"):
        with pytest.raises(InvalidParameterException, match="nextToken"):
            read(context, nextToken=token)
