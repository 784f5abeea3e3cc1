"""Logs and metrics from CloudWatch's answers."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from service.aws.clients import Clients
from service.aws.logs import Event
from service.domain import training_logs
from service.errors import BadRequest, TrainingJobNotFound
from service.schemas.log_filter import LogFilter
from tests.unit.service.jobs.fake_aws import FakeAws, Refusal

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
LOSS = {"Name": "train:loss", "Regex": r"(?:^|\s)train:loss=([0-9.eE+-]+|nan|inf)"}
NOT_FOUND = Refusal("ValidationException", "Requested resource not found.")


def job(status: str = "InProgress", **members: Any) -> dict[str, Any]:
    """DescribeTrainingJob's answer."""
    return {
        "TrainingJobName": "dogs-1",
        "TrainingJobArn": "arn",
        "TrainingJobStatus": status,
        "SecondaryStatus": "Training",
        "CreationTime": NOW.timestamp(),
        **members,
    }


def event(second: int, message: str) -> Event:
    """A line of the log."""
    return Event(NOW + timedelta(seconds=second), message)


class Stream:
    """A log stream in CloudWatch's way: a token is a place, and stays when there is nothing more."""

    def __init__(self, *lines: str) -> None:
        self.lines = list(lines)

    def get_log_events(self, members: dict[str, Any]) -> dict[str, Any]:
        start = int(members.get("nextToken", "f/0")[2:])
        end = min(start + members["limit"], len(self.lines))
        events = [{"timestamp": index, "message": self.lines[index]} for index in range(start, end)]
        return {"events": events, "nextForwardToken": f"f/{end}", "nextBackwardToken": "b/0"}


def scripted(aws: FakeAws, *lines: str, status: str = "InProgress", **members: Any) -> Stream:
    """A job with one stream."""
    stream = Stream(*lines)
    aws.answers["DescribeTrainingJob"] = job(status, **members)
    aws.answers["DescribeLogStreams"] = {"logStreams": [{"logStreamName": "dogs-1/algo-1-17"}]}
    aws.answers["GetLogEvents"] = stream.get_log_events
    return stream


def test_series_in_time_with_final_values() -> None:
    described = job(
        AlgorithmSpecification={"MetricDefinitions": [LOSS, {"Name": "mAP", "Regex": "mAP=(.*)"}]},
        FinalMetricDataList=[{"MetricName": "train:loss", "Value": 0.25}],
    )
    events = [event(2, "epoch=2 train:loss=5e-1"), event(1, "train:loss=1.5 mAP=high"), event(3, "nottrain:loss=9")]
    found = {one.name: one for one in training_logs.series(described, events)}
    assert [(point.timestamp.second, point.value) for point in found["train:loss"].points] == [(1, 1.5), (2, 0.5)]
    assert found["train:loss"].final_value == 0.25
    assert (found["mAP"].points, found["mAP"].final_value) == ([], None)


def test_nan_is_a_point_without_a_value() -> None:
    described = job(AlgorithmSpecification={"MetricDefinitions": [LOSS]})
    (found,) = training_logs.series(described, [event(1, "train:loss=1"), event(2, "train:loss=nan")])
    assert [point.value for point in found.points] == [1.0, None]
    assert found.final_value is None


def test_regex_that_python_cannot_read_is_said() -> None:
    described = job(AlgorithmSpecification={"MetricDefinitions": [{"Name": "bad", "Regex": "(?<n>x"}]})
    with pytest.raises(BadRequest, match="metric definition bad"):
        training_logs.series(described, [event(1, "x")])


def test_metrics_read_every_page_of_every_stream(clients: Clients, aws: FakeAws) -> None:
    lines = [f"train:loss={number}" for number in range(25)]
    stream = scripted(aws, *lines, AlgorithmSpecification={"MetricDefinitions": [LOSS]})
    aws.answers["GetLogEvents"] = lambda members: stream.get_log_events({**members, "limit": 10})
    metrics = training_logs.metrics(clients, "dogs-1")
    assert [point.value for point in metrics.series[0].points] == list(map(float, range(25)))
    assert (metrics.complete, metrics.truncated) == (False, False)


def test_endless_log_is_cut_and_said_so(clients: Clients, aws: FakeAws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_logs, "MAX_PAGES", 2)
    stream = scripted(aws, *["train:loss=1"] * 9, AlgorithmSpecification={"MetricDefinitions": [LOSS]})
    aws.answers["GetLogEvents"] = lambda members: stream.get_log_events({**members, "limit": 2})
    metrics = training_logs.metrics(clients, "dogs-1")
    assert (len(metrics.series[0].points), metrics.truncated) == (4, True)


def test_log_of_a_running_job_is_followed(clients: Clients, aws: FakeAws) -> None:
    stream = scripted(aws, "one", "two", "three")
    first = training_logs.page(clients, "dogs-1", LogFilter(limit=2))
    assert [line.message for line in first.items] == ["one", "two"]
    assert (first.stream, first.complete) == ("dogs-1/algo-1-17", False)
    second = training_logs.page(clients, "dogs-1", LogFilter(limit=2, cursor=first.next_cursor))
    third = training_logs.page(clients, "dogs-1", LogFilter(limit=2, cursor=second.next_cursor))
    assert ([line.message for line in second.items], third.items) == (["three"], [])
    assert not third.complete
    stream.lines.append("four")
    aws.answers["DescribeTrainingJob"] = job("Completed")
    fourth = training_logs.page(clients, "dogs-1", LogFilter(cursor=third.next_cursor))
    assert ([line.message for line in fourth.items], fourth.complete) == (["four"], False)
    fifth = training_logs.page(clients, "dogs-1", LogFilter(cursor=fourth.next_cursor))
    assert (fifth.items, fifth.complete, fifth.next_cursor) == ([], True, None)


def test_last_lines_that_come_while_the_status_is_asked_are_not_lost(clients: Clients, aws: FakeAws) -> None:
    stream = scripted(aws)

    def ends(_: dict[str, Any]) -> dict[str, Any]:
        stream.lines.append("the last line")
        return job("Completed")

    aws.answers["DescribeTrainingJob"] = ends
    page = training_logs.page(clients, "dogs-1", LogFilter())
    assert ([line.message for line in page.items], page.complete) == (["the last line"], False)


def test_start_time_is_milliseconds(clients: Clients, aws: FakeAws) -> None:
    scripted(aws, "one")
    training_logs.page(clients, "dogs-1", LogFilter(start_time=NOW))
    assert aws.requests("GetLogEvents")[0] == {
        "logGroupName": "/aws/sagemaker/TrainingJobs",
        "logStreamName": "dogs-1/algo-1-17",
        "limit": 1000,
        "startFromHead": True,
        "startTime": int(NOW.timestamp() * 1000),
    }


def test_before_the_first_line_the_page_is_empty(clients: Clients, aws: FakeAws) -> None:
    aws.answers["DescribeLogStreams"] = Refusal("ResourceNotFoundException", "The specified log group does not exist.")
    aws.answers["DescribeTrainingJob"] = job()
    page = training_logs.page(clients, "dogs-1", LogFilter())
    assert (page.items, page.next_cursor, page.complete, page.streams) == ([], None, False, [])
    aws.answers["DescribeTrainingJob"] = NOT_FOUND
    with pytest.raises(TrainingJobNotFound):
        training_logs.page(clients, "dogs-1", LogFilter())


def test_unknown_stream_names_those_there_are(clients: Clients, aws: FakeAws) -> None:
    scripted(aws, "one")
    with pytest.raises(BadRequest, match="no log stream dogs-1/algo-9") as caught:
        training_logs.page(clients, "dogs-1", LogFilter(stream="dogs-1/algo-9"))
    assert "dogs-1/algo-1-17" in caught.value.action
