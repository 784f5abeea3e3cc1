"""A training job's log and the metrics in it."""

from datetime import datetime

from pydantic import BaseModel, Field


class LogLine(BaseModel):
    """One line that the job wrote."""

    timestamp: datetime
    message: str = Field(examples=["epoch=1 train:loss=1.2345 train:accuracy=0.5123 validation:loss=1.1000"])


class LogPage(BaseModel):
    """A page of one instance's log. Repeat with `next_cursor` to follow the job, until `complete`."""

    items: list[LogLine]
    next_cursor: str | None = Field(description="Where to read on; null before the first line and when complete.")
    complete: bool = Field(description="Whether the job is over and every line has been read.")
    stream: str | None = Field(description="The log stream of this page; null before the job writes.")
    streams: list[str] = Field(description="All streams of the job: one an instance and start.")


class MetricPoint(BaseModel):
    """One value of a metric as the log shows it."""

    timestamp: datetime
    value: float | None = Field(description="null when the job printed nan or inf.")


class MetricSeries(BaseModel):
    """A metric over the job's life."""

    name: str = Field(examples=["validation:loss"])
    points: list[MetricPoint] = Field(description="In the order of the log.")
    final_value: float | None = Field(description="SageMaker's final value, else the newest in the log.")


class TrainingMetrics(BaseModel):
    """All metrics that the job's metric definitions find in its log."""

    series: list[MetricSeries]
    complete: bool = Field(description="Whether the job is over, so that no more will come.")
    truncated: bool = Field(description="Whether the log was too long to be read to its end.")
