"""Tuning jobs as the service's users see them."""

from datetime import datetime

from pydantic import BaseModel, Field

from service.schemas.job import HyperparameterValue, Metric, TrainingJobStatus, TuningJobStatus
from service.schemas.tuning_job_request import Strategy


class TrainingJobCounters(BaseModel):
    """How many training jobs are in which state."""

    completed: int = 0
    in_progress: int = 0
    retryable_error: int = 0
    non_retryable_error: int = 0
    stopped: int = 0


class ObjectiveCounters(BaseModel):
    """How many training jobs have told the objective."""

    succeeded: int = 0
    pending: int = 0
    failed: int = 0


class TuningJobSummary(BaseModel):
    """A tuning job in a list."""

    name: str = Field(examples=["dogs-tuning-1"])
    arn: str
    status: TuningJobStatus
    strategy: Strategy | None
    created_at: datetime
    ended_at: datetime | None
    modified_at: datetime | None
    training_job_counters: TrainingJobCounters
    objective_counters: ObjectiveCounters


class DescribedObjective(BaseModel):
    """What the tuning job optimises."""

    metric: str = Field(examples=["validation:loss"])
    type: str = Field(examples=["Minimize"])


class DescribedRange(BaseModel):
    """What is searched for one hyperparameter: min, max and scaling, or values."""

    type: str = Field(description="continuous, integer or categorical.", examples=["continuous"])
    min: float | int | None = None
    max: float | int | None = None
    scaling: str | None = None
    values: list[HyperparameterValue] | None = None


class Trial(BaseModel):
    """A training job of a tuning job."""

    name: str = Field(examples=["dogs-tuning-1-003-1a2b3c4d"])
    arn: str
    status: TrainingJobStatus
    hyperparameters: dict[str, HyperparameterValue] = Field(description="The searched ones, with their types.")
    objective: Metric | None = Field(description="null until the training job has told it.")
    objective_status: str | None = Field(description="Succeeded, Pending or Failed.")
    failure_reason: str | None
    created_at: datetime
    training_started_at: datetime | None
    training_ended_at: datetime | None
    duration_seconds: float | None = Field(description="From the start of training to its end, s.")
    training_job_url: str = Field(examples=["/jobs/training/dogs-tuning-1-003-1a2b3c4d"])


class TuningJob(BaseModel):
    """A tuning job: what is searched, how far it is, and the best so far."""

    name: str = Field(examples=["dogs-tuning-1"])
    arn: str
    status: TuningJobStatus
    failure_reason: str | None
    strategy: Strategy
    objective: DescribedObjective | None
    ranges: dict[str, DescribedRange]
    static_hyperparameters: dict[str, HyperparameterValue]
    max_jobs: int | None
    max_parallel_jobs: int | None
    random_seed: int | None
    early_stopping: bool
    training_job_counters: TrainingJobCounters
    objective_counters: ObjectiveCounters
    best_training_job: Trial | None = Field(description="The best so far; null until one has told the objective.")
    entry_point: str | None
    source_s3_uri: str | None
    image: str | None
    channels: dict[str, str]
    instance_type: str | None
    instance_count: int | None
    volume_size_gb: int | None
    max_runtime_seconds: int | None
    checkpoint_s3_uri: str | None
    environment: dict[str, str]
    created_at: datetime
    ended_at: datetime | None
    modified_at: datetime | None
    duration_seconds: float | None = Field(description="From creation to end, s; null while it goes on.")
    tags: dict[str, str]
    training_jobs_url: str = Field(examples=["/jobs/tuning/dogs-tuning-1/training-jobs"])
    report_url: str = Field(examples=["/jobs/tuning/dogs-tuning-1/report"])
