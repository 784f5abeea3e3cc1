"""Tuning jobs as the service's users see them."""

import math
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, model_validator

from service.schemas.job import (
    EntryPoint,
    Hyperparameters,
    HyperparameterValue,
    JobRequest,
    Metric,
    TrainingJobStatus,
    TuningJobName,
    TuningJobStatus,
)
from service.schemas.page import Body
from service.schemas.ranges import DEFAULT_RANGES, CategoricalRange, Ranges

MAX_JOBS = 750
MAX_RANDOM_JOBS = 10_000
DEFAULT_JOBS = 9

MetricName = Literal[
    "train:loss", "train:accuracy", "validation:loss", "validation:accuracy", "test:loss", "test:accuracy"
]


class Strategy(StrEnum):
    """How the next hyperparameters are chosen."""

    BAYESIAN = "Bayesian"
    RANDOM = "Random"
    GRID = "Grid"
    HYPERBAND = "Hyperband"


class Objective(Body):
    """The metric to tune for."""

    metric: MetricName = "validation:loss"
    type: Literal["Minimize", "Maximize"] = "Minimize"


class Hyperband(Body):
    """Limits of the strategy Hyperband, in epochs."""

    min_resource: Annotated[int, Field(ge=1)] = 1
    max_resource: Annotated[int, Field(ge=1)]

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        if self.min_resource >= self.max_resource:
            raise ValueError("min_resource must be less than max_resource")
        return self


class TuningJobRequest(JobRequest):
    """What to search, for which objective, on which data. Everything but the channels has a default."""

    name: Annotated[
        TuningJobName | None,
        Field(description="The job's name and idempotency key, at most 32 characters; left out, one is made."),
    ] = None
    entry_point: EntryPoint = "hpo.py"
    static_hyperparameters: Hyperparameters = Field(default_factory=dict)
    ranges: Ranges = DEFAULT_RANGES
    objective: Objective = Objective()
    strategy: Strategy = Strategy.BAYESIAN
    hyperband: Annotated[Hyperband | None, Field(description="For the strategy Hyperband only.")] = None
    max_jobs: Annotated[
        int | None,
        Field(ge=1, le=MAX_RANDOM_JOBS, description="Training jobs in all: 9, or every combination of a Grid."),
    ] = None
    max_parallel_jobs: Annotated[int, Field(ge=1, le=100, description="Training jobs at once.")] = 3
    random_seed: Annotated[
        int | None, Field(ge=0, le=4_294_967_295, description="Makes Random and Hyperband choose the same again.")
    ] = None
    early_stopping: Annotated[
        bool, Field(description="Stop training jobs that are worse than the others were at the same epoch.")
    ] = False

    @model_validator(mode="after")
    def _jobs_fit_the_strategy(self) -> Self:
        if self.strategy is Strategy.GRID:
            self._check_grid()
            return self
        if self.max_jobs is None:
            self.max_jobs = DEFAULT_JOBS
        if self.max_jobs > MAX_JOBS and self.strategy is not Strategy.RANDOM:
            raise ValueError(f"max_jobs: at most {MAX_JOBS}; only the strategy Random takes more")
        if self.max_parallel_jobs > self.max_jobs:
            if "max_parallel_jobs" in self.model_fields_set:
                raise ValueError(
                    f"max_parallel_jobs ({self.max_parallel_jobs}) is more than max_jobs ({self.max_jobs})"
                )
            self.max_parallel_jobs = self.max_jobs
        return self

    @model_validator(mode="after")
    def _hyperband_fits(self) -> Self:
        if self.strategy is not Strategy.HYPERBAND and self.hyperband is not None:
            raise ValueError(f"hyperband belongs to the strategy Hyperband, not {self.strategy}")
        if self.strategy is Strategy.HYPERBAND and self.early_stopping:
            raise ValueError("early_stopping: Hyperband stops training jobs itself; leave it false")
        return self

    @model_validator(mode="after")
    def _static_or_searched(self) -> Self:
        both = sorted(self.static_hyperparameters.keys() & self.ranges.keys())
        if both:
            raise ValueError(f"{', '.join(both)}: a hyperparameter is either static or searched, not both")
        return self

    def _check_grid(self) -> None:
        if not all(isinstance(searched, CategoricalRange) for searched in self.ranges.values()):
            raise ValueError("the strategy Grid takes categorical ranges only")
        combinations = math.prod(len(s.values) for s in self.ranges.values() if isinstance(s, CategoricalRange))
        if self.max_jobs not in {None, combinations}:
            raise ValueError(f"max_jobs: this Grid has {combinations} combinations; leave max_jobs out")


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
