"""How far the evaluation of a job has come."""

from enum import StrEnum

from pydantic import BaseModel, Field


class EvaluationState(StrEnum):
    """Whether the answer will change."""

    IN_PROGRESS = "InProgress"
    UP_TO_DATE = "UpToDate"
    COMPLETED = "Completed"


class EvaluationProgress(BaseModel):
    """A request evaluates for some ten seconds; the next one goes on from there."""

    state: EvaluationState = Field(
        description="InProgress: more is saved than evaluated, ask again after Retry-After. UpToDate: the job runs, "
        "and all that it has saved so far is evaluated. Completed: the job is over and all of it is evaluated."
    )
    steps_evaluated: int = Field(examples=[480])
    steps_saved: int = Field(description="Steps with saved tensors, so far.", examples=[480])
    last_step: int | None = Field(description="The last evaluated step.", examples=[479])
