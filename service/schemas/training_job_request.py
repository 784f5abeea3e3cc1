"""What POST /jobs/training takes."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from service.schemas.debugger import CustomRule, Debugger, Profiler
from service.schemas.job import (
    OWN_ENTRY_POINTS,
    EntryPoint,
    Hyperparameters,
    JobRequest,
    TrainingJobName,
    TuningJobName,
)

DEFAULT_ENTRY_POINT = "train_model.py"


class Collector(StrEnum):
    """Who saves tensors and measures the instance while a job trains."""

    SAGEMAKER = "sagemaker"
    SCRIPT = "script"


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
            "another entry_point has none. AWS takes Debugger from customers of before 2026-07-30 only; see "
            "`collected_by`."
        ),
    ] = None
    profiler: Annotated[
        Profiler | None,
        Field(
            description="System metrics and rules over them. null turns them off; left out, train_model.py has the "
            "defaults and another entry_point has none."
        ),
    ] = None

    collected_by: Annotated[
        Collector,
        Field(
            description="Who saves tensors and measures the instance: `sagemaker` (Debugger and Profiler, whose rules "
            "run beside the job), or `script`: this project's training script does both itself and writes beside its "
            "checkpoints, and the service evaluates the rules on request. For AWS accounts without Debugger."
        ),
    ] = Collector.SAGEMAKER

    @property
    def is_collected_by_script(self) -> bool:
        """Whether the script has to save or measure anything itself."""
        return self.collected_by is Collector.SCRIPT and (self.debugger is not None or self.profiler is not None)

    @model_validator(mode="after")
    def _script_can(self) -> Self:
        if self.collected_by is not Collector.SCRIPT:
            return self
        if self.entry_point not in OWN_ENTRY_POINTS:
            raise ValueError(f"collected_by: only {' and '.join(OWN_ENTRY_POINTS)} save and measure by themselves")
        own = sorted(name for name in self.environment if name.startswith("SAGEHOUND_DIAGNOSTICS"))
        if own:
            raise ValueError(f"environment: {', '.join(own)} is what the service itself sends with collected_by script")
        rules = [] if self.debugger is None else self.debugger.rules
        custom = [rule.name for rule in rules if isinstance(rule, CustomRule)]
        if custom:
            raise ValueError(
                f"debugger: the service runs no code of others, so {', '.join(custom)} can be evaluated with "
                "collected_by sagemaker only"
            )
        acting = [rule.name for rule in rules if rule.actions]
        if acting:
            raise ValueError(
                f"debugger: nobody evaluates rules while the job runs with collected_by script, so {', '.join(acting)} "
                "can have no actions"
            )
        return self

    @model_validator(mode="after")
    def _defaults_of_own_training(self) -> Self:
        if self.entry_point == DEFAULT_ENTRY_POINT:
            if "debugger" not in self.model_fields_set:
                self.debugger = Debugger()
            if "profiler" not in self.model_fields_set:
                self.profiler = Profiler()
        return self
