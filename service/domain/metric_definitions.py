"""The metrics of this project's training, as SageMaker is told to find them in the log."""

from typing import get_args

from service.schemas.tuning_job_request import MetricName

# What a job tells beside what a tuning job can tune for: an epoch's speed, and where its time went.
SPEED = (
    "lr", "images_per_second", "loader_wait_seconds", "step_seconds_p50", "step_seconds_p90", "step_seconds_p99",
)  # fmt: skip

_VALUE = r"([0-9.eE+-]+|nan|inf)"


def regex_of(name: str) -> str:
    """What finds `NAME=VALUE` at the start of a line or after a space."""
    return rf"(?:^|\s){name}={_VALUE}"


def metric_definitions() -> list[dict[str, str]]:
    """MetricDefinitions of a training job."""
    return [{"Name": name, "Regex": regex_of(name)} for name in (*get_args(MetricName), *SPEED)]
