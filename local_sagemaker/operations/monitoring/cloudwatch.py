"""CloudWatch: the metrics that jobs' metric definitions have read from their logs, as statistics."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from local_sagemaker.errors import (
    InvalidParameterCombinationException,
    InvalidParameterValueException,
    MissingRequiredParameterException,
)
from local_sagemaker.operations import listing
from local_sagemaker.operations.context import Context
from local_sagemaker.operations.coverage import Structure
from local_sagemaker.store import metric_statistics as store
from local_sagemaker.store.metric_statistics import Statistics

NAMESPACE = "/aws/sagemaker/TrainingJobs"
DIMENSION = "TrainingJobName"
MAX_DATAPOINTS = 1440
METRICS_PAGE = 500
SHORT_PERIODS = (1, 5, 10, 20, 30)

STATISTICS = Structure(
    "GetMetricStatisticsInput",
    honoured=("Namespace", "MetricName", "Dimensions", "StartTime", "EndTime", "Period", "Statistics", "Unit"),
    refused={"ExtendedStatistics": "use Statistics, or compute percentiles from GetLogEvents"},
)
METRICS = Structure(
    "ListMetricsInput",
    honoured=("Namespace", "MetricName", "Dimensions", "NextToken"),
    refused={
        "RecentlyActive": "leave it out; metrics stay as long as their job is known",
        "IncludeLinkedAccounts": "there is one account; leave it out",
        "OwningAccount": "there is one account; leave it out",
    },
)
STRUCTURES = (STATISTICS, METRICS)


def get_metric_statistics(context: Context, members: dict[str, Any]) -> dict[str, Any]:
    """Datapoints of a training job's metric, oldest first. What was never published has none, as on AWS.

    Raises InvalidParameterValueException, InvalidParameterCombinationException, MissingRequiredParameterException.
    """
    _check(members)
    label = members["MetricName"]
    dimensions = {dimension["Name"]: dimension["Value"] for dimension in members.get("Dimensions") or []}
    # Nothing else is published here, and nothing with a unit.
    published = members["Namespace"] == NAMESPACE and dimensions.keys() == {DIMENSION}
    if not published or members.get("Unit", "None") != "None":
        return {"Label": label, "Datapoints": []}
    period = members["Period"]
    start = rounded_start(listing.epoch(members["StartTime"]), period)
    end = listing.epoch(members["EndTime"])
    found = store.statistics(context.database, dimensions[DIMENSION], label, start=start, end=end, period=period)
    return {
        "Label": label,
        "Datapoints": [
            {"Timestamp": at, "Unit": "None", **chosen(statistics, members["Statistics"])} for at, statistics in found
        ],
    }


def list_metrics(context: Context, members: dict[str, Any]) -> dict[str, Any]:
    """Which metrics there are: a name and a training job each, in pages."""
    METRICS.check(members)
    dimensions = {dimension["Name"]: dimension.get("Value") for dimension in members.get("Dimensions") or []}
    if members.get("Namespace", NAMESPACE) != NAMESPACE or not dimensions.keys() <= {DIMENSION}:
        return {"Metrics": []}
    token = members.get("NextToken", "")
    job, separator, name = token.partition("/")
    if token and not separator:
        raise InvalidParameterValueException("Invalid NextToken: it was not given by this operation")
    found = store.published(
        context.database,
        job=dimensions.get(DIMENSION),
        name=members.get("MetricName"),
        after=(job, name),
        limit=METRICS_PAGE + 1,
    )
    metrics = [
        {"Namespace": NAMESPACE, "MetricName": name, "Dimensions": [{"Name": DIMENSION, "Value": job}]}
        for job, name in found[:METRICS_PAGE]
    ]
    more = {"NextToken": "/".join(found[METRICS_PAGE - 1])} if len(found) > METRICS_PAGE else {}
    return {"Metrics": metrics, **more}


def rounded_start(start: float, period: int) -> float:
    """StartTime as CloudWatch rounds it down: to the period below a minute, else to the minute."""
    step = period if period in SHORT_PERIODS else 60
    return float(start // step * step)


def chosen(statistics: Statistics, names: Sequence[str]) -> Mapping[str, float]:
    """The asked ones of a datapoint's statistics."""
    values = {
        "SampleCount": float(statistics.count),
        "Sum": statistics.total,
        "Average": statistics.total / statistics.count,
        "Minimum": statistics.least,
        "Maximum": statistics.most,
    }
    return {name: values[name] for name in names}


def _check(members: Mapping[str, Any]) -> None:
    if members.get("ExtendedStatistics"):
        if members.get("Statistics"):
            raise InvalidParameterCombinationException(
                "The parameters Statistics and ExtendedStatistics must not be used together."
            )
        advice = STATISTICS.refused["ExtendedStatistics"]
        raise InvalidParameterValueException(f"local_sagemaker does not support ExtendedStatistics: {advice}.")
    if not members.get("Statistics"):
        raise MissingRequiredParameterException("Must specify either Statistics or ExtendedStatistics")
    period = members["Period"]
    if period % 60 and period not in SHORT_PERIODS:
        raise InvalidParameterValueException(
            "The parameter Period must be 1, 5, 10, 20, 30 or a multiple of 60 seconds."
        )
    start, end = listing.epoch(members["StartTime"]), listing.epoch(members["EndTime"])
    if start >= end:
        raise InvalidParameterCombinationException("The parameter StartTime must be less than the parameter EndTime.")
    asked = math.ceil((end - start) / period)
    if asked > MAX_DATAPOINTS:
        raise InvalidParameterCombinationException(
            f"You have requested up to {asked:,} datapoints, which exceeds the limit of {MAX_DATAPOINTS:,}. You may"
            " reduce the datapoints requested by increasing Period, or decreasing the time range."
        )
