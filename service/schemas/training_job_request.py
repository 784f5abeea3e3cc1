"""What POST /jobs/training takes."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from service.schemas.debugger import Debugger, Profiler
from service.schemas.job import EntryPoint, Hyperparameters, JobRequest, TrainingJobName, TuningJobName

DEFAULT_ENTRY_POINT = "train_model.py"


class TrainingJobRequest(JobRequest):
    """What to train, on which data, where. Everything but the channels has a default."""

    name: Annotated[
        TrainingJobName | None,
        Field(description="The job's name and idempotency key; left out, one is made. "),
    ] = None
    entry_point: EntryPoint = DEFAULT_ENTRY_POINT
    hyperparameters: Hyperparameters = Field(default_factory=dict)
    from_tuning_job: Annotated[
        TuningJobName | None,
        Field(
            description="Take the tuned hyperparameters of this tuning job's best training job; those named in "
            "`hyperparameters` win."
        ),
    ] = None
    debugger: Annotated[
        Debugger | None,
        Field(
            description="Rules over saved tensors. null turns them off; left out, train_model.py has the defaults and "
            "another entry_point has none. AWS takes Debugger from customers of before 2026-07-30 only."
        ),
    ] = None
    profiler: Annotated[
        Profiler | None,
        Field(
            description="System metrics and rules over them. null turns them off; left out, train_model.py has the "
            "defaults and another entry_point has none."
        ),
    ] = None

    @model_validator(mode="after")
    def _defaults_of_own_training(self) -> Self:
        if self.entry_point == DEFAULT_ENTRY_POINT:
            if "debugger" not in self.model_fields_set:
                self.debugger = Debugger()
            if "profiler" not in self.model_fields_set:
                self.profiler = Profiler()
        return self
