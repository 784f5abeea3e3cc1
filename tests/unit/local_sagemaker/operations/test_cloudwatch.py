"""GetMetricStatistics and ListMetrics over what jobs' logs have shown."""

import time
from datetime import UTC, datetime
from typing import Any

import pytest

from local_sagemaker import errors
from local_sagemaker.operations.context import Context
from local_sagemaker.operations.jobs import training_jobs
from local_sagemaker.operations.monitoring import cloudwatch
from local_sagemaker.store import training_jobs as store
from local_sagemaker.store.job_metrics import Metric
from tests.unit.local_sagemaker.operations.job_requests import check_response, make_context
from tests.unit.local_sagemaker.operations.test_job_rules import TRAINING

MINUTE = 1_800_000_000 - 1_800_000_000 % 60
LOSSES = [(0, 4.0), (59.9, 2.0), (60, 1.0), (61, None), (250, 8.0)]


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Context:
    """Job a with losses over five minutes, job b with one accuracy."""
    context = make_context(tmp_path_factory.mktemp("state"))
    values = {
        "a": [Metric("loss", MINUTE + second, value) for second, value in LOSSES],
        "b": [Metric("accuracy", MINUTE, 0.5), Metric("lost", MINUTE, None)],
    }
    for name, metrics in values.items():
        training_jobs.create_training_job(context, {**TRAINING, "TrainingJobName": name})
        job = store.get(context.database, name)
        assert job is not None
        store.update(context.database, job, time.time(), metrics=metrics)
    return context


def request(**more: Any) -> dict[str, Any]:
    return {
        "Namespace": cloudwatch.NAMESPACE,
        "MetricName": "loss",
        "Dimensions": [{"Name": "TrainingJobName", "Value": "a"}],
        "StartTime": datetime.fromtimestamp(MINUTE, UTC),
        "EndTime": datetime.fromtimestamp(MINUTE + 300, UTC),
        "Period": 60,
        "Statistics": ["Average"],
        **more,
    }


def points(context: Context, **more: Any) -> list[dict[str, Any]]:
    answer = cloudwatch.get_metric_statistics(context, request(**more))
    check_response("cloudwatch", "GetMetricStatistics", answer)
    assert answer["Label"] == more.get("MetricName", "loss")
    found: list[dict[str, Any]] = answer["Datapoints"]
    assert all(point.pop("Unit") == "None" for point in found)
    return found


def test_values_are_grouped_by_periods(context: Context) -> None:
    assert points(context) == [
        {"Timestamp": MINUTE, "Average": 3.0},
        {"Timestamp": MINUTE + 60, "Average": 1.0},
        {"Timestamp": MINUTE + 240, "Average": 8.0},
    ]
    everything = ["SampleCount", "Sum", "Average", "Minimum", "Maximum"]
    [point] = points(context, Period=300, Statistics=everything)
    assert point == {
        "Timestamp": MINUTE,
        "SampleCount": 4.0,
        "Sum": 15.0,
        "Average": 3.75,
        "Minimum": 1.0,
        "Maximum": 8.0,
    }
    assert len(points(context, Period=1)) == 4


def test_the_range_of_time(context: Context) -> None:
    assert [p["Timestamp"] for p in points(context, EndTime=MINUTE + 60)] == [MINUTE]
    late = points(context, StartTime=MINUTE + 119, EndTime=MINUTE + 1000)
    assert [p["Timestamp"] for p in late] == [MINUTE + 60, MINUTE + 240], "rounded down to the minute"
    assert points(context, StartTime=MINUTE + 300, EndTime=MINUTE + 400) == []


def test_what_was_not_published_has_no_values(context: Context) -> None:
    assert points(context, MetricName="none") == []
    assert points(context, Namespace="AWS/EC2") == []
    assert points(context, Dimensions=[]) == []
    assert points(context, Dimensions=[{"Name": "Host", "Value": "a"}]) == []
    assert points(context, Dimensions=[{"Name": "TrainingJobName", "Value": "none"}]) == []
    assert points(context, Unit="Seconds") == []
    assert len(points(context, Unit="None")) == 3


@pytest.mark.parametrize(
    ("members", "error", "says"),
    [
        ({"Statistics": None}, errors.MissingRequiredParameterException, "Statistics or ExtendedStatistics"),
        ({"ExtendedStatistics": ["p99"]}, errors.InvalidParameterCombinationException, "together"),
        (
            {"ExtendedStatistics": ["p99"], "Statistics": None},
            errors.InvalidParameterValueException,
            "does not support ExtendedStatistics",
        ),
        ({"Period": 61}, errors.InvalidParameterValueException, "multiple of 60"),
        ({"EndTime": MINUTE}, errors.InvalidParameterCombinationException, "StartTime must be less"),
        ({"EndTime": MINUTE + 1441 * 60}, errors.InvalidParameterCombinationException, "up to 1,441 datapoints"),
    ],
)
def test_bad_requests(context: Context, members: dict[str, Any], error: type[errors.AwsError], says: str) -> None:
    with pytest.raises(error, match=says):
        cloudwatch.get_metric_statistics(context, request(**members))


def test_metrics_are_listed(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    def listed(**members: Any) -> list[tuple[str, str]]:
        answer = cloudwatch.list_metrics(context, members)
        check_response("cloudwatch", "ListMetrics", answer)
        return [(metric["Dimensions"][0]["Value"], metric["MetricName"]) for metric in answer["Metrics"]]

    assert listed() == [("a", "loss"), ("b", "accuracy")]
    assert listed(MetricName="loss") == [("a", "loss")]
    assert listed(Dimensions=[{"Name": "TrainingJobName", "Value": "b"}]) == [("b", "accuracy")]
    assert listed(Dimensions=[{"Name": "TrainingJobName"}]) == listed()
    assert listed(Namespace="AWS/EC2") == listed(Dimensions=[{"Name": "Host"}]) == []
    monkeypatch.setattr(cloudwatch, "METRICS_PAGE", 1)
    token = cloudwatch.list_metrics(context, {})["NextToken"]
    assert listed(NextToken=token) == [("b", "accuracy")]
    with pytest.raises(errors.InvalidParameterValueException):
        listed(NextToken="garbage")
