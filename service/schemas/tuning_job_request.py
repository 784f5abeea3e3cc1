"""What POST /jobs/tuning takes."""

import math
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from service.schemas.job import EntryPoint, Hyperparameters, JobRequest, TuningJobName
from service.schemas.page import Body
from service.schemas.ranges import DEFAULT_RANGES, CategoricalRange, Ranges
from service.schemas.training_job_request import DEFAULT_ENTRY_POINT

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
    """The metric to tune for: of the train or, rather, the validation channel."""

    metric: Annotated[
        MetricName,
        Field(
            description="A metric of the train or validation channel. One of the test channel is refused: it is looked "
            "at once, when the final training has ended, and says nothing any more once something was chosen by it."
        ),
    ] = "validation:loss"
    type: Literal["Minimize", "Maximize"] = "Minimize"

    @model_validator(mode="after")
    def _leaves_the_test_channel_alone(self) -> Self:
        if self.metric.startswith("test:"):
            instead = self.metric.replace("test:", "validation:")
            raise ValueError(
                f"metric: {self.metric} is of the test channel, which is for the final model alone; hyperparameters "
                f"that were chosen by it would make its figures too good. Tune for {instead}"
            )
        return self


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
    def _leaves_the_test_channel_alone(self) -> Self:
        if self.entry_point == DEFAULT_ENTRY_POINT and "test" in self.channels:
            raise ValueError(
                f"channels: every training job would be judged on test, for {DEFAULT_ENTRY_POINT} looks at that "
                "channel at its end; take the entry_point hpo.py, which never does, or leave the channel out"
            )
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
