"""What a job's Debugger rules found, and the tensors that they judged."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from service.schemas.evaluation import EvaluationProgress
from service.schemas.page import Body

MAX_POINTS = 10_000
DEFAULT_POINTS = 500

MaxPoints = Annotated[
    int, Field(ge=2, le=MAX_POINTS, description="A longer series is thinned out to so many points; peaks stay.")
]


class Figure(StrEnum):
    """What is told of a tensor at a step."""

    MEAN = "mean"
    MIN = "min"
    MAX = "max"
    STD = "std"
    ABS_MEAN = "abs_mean"


class DebuggerFilter(Body):
    """What /debugger tells beside the rules."""

    curves: Annotated[bool, Field(description="Tell the losses' curves too.")] = False
    max_points: MaxPoints = DEFAULT_POINTS


class TensorListFilter(Body):
    """Which of a job's tensors."""

    collection: Annotated[str | None, Field(min_length=1, max_length=256, description="Of this collection only.")] = (
        None
    )
    limit: Annotated[int, Field(ge=1, le=1000, description="How many items a page has at most.")] = 100
    cursor: Annotated[
        str | None,
        Field(
            min_length=1, max_length=8192, description="`next_cursor` of the page before; without it the first page."
        ),
    ] = None


class TensorFilter(Body):
    """What to tell of a tensor."""

    figure: Figure = Figure.MEAN
    max_points: MaxPoints = DEFAULT_POINTS


class RuleFinding(BaseModel):
    """Where a rule's condition was met, why that matters, and what to do."""

    step: int = Field(description="Of all steps of the job, from 0.", examples=[240])
    mode: Literal["TRAIN", "EVAL", "PREDICT", "GLOBAL"]
    mode_step: int = Field(description="Of the steps of the mode, from 0.", examples=[12])
    tensor: str = Field(examples=["CrossEntropyLoss_output_0"])
    value: float | None = Field(None, description="What was compared with the threshold; null when nan or infinite.")
    threshold: float | None = None
    what: str = Field(
        examples=["CrossEntropyLoss_output_0: the validation loss is 34 % above the training loss; more than 10 %."]
    )
    why: str = Field(examples=["The network learns its training images by heart and gets worse on others."])
    advice: list[str] = Field(examples=[["Stop earlier.", "Use augment=true.", "Use more training images."]])


class JudgedRule(BaseModel):
    """A rule and its verdict."""

    name: str = Field(examples=["Overfit"])
    rule: str = Field(description="The rule that is called so.", examples=["Overfit"])
    status: str = Field(
        description="As the service evaluates it: InProgress, NoIssuesFound, IssuesFound or Error. A custom rule's is "
        "SageMaker's."
    )
    details: str | None = Field(None, description="For Error: why there is no verdict, and what to save to get one.")
    finding: RuleFinding | None = None
    platform_status: str | None = Field(
        None, description="SageMaker's own status of the rule, where it differs from the service's."
    )
    platform_details: str | None = None


class LossCurve(BaseModel):
    """A loss over the steps of one mode."""

    tensor: str = Field(examples=["CrossEntropyLoss_output_0"])
    mode: str = Field(examples=["TRAIN"])
    steps: list[int]
    values: list[float | None] = Field(description="null where the loss is nan or infinite.")


class DebuggerReport(BaseModel):
    """What every rule found."""

    name: str = Field(examples=["dogs-1"])
    evaluation: EvaluationProgress
    rules: list[JudgedRule]
    curves: list[LossCurve] | None = Field(None, description="With ?curves=true.")
    notes: list[str] = Field(
        default_factory=list, description="What could not be read, or is not as the job asked for."
    )


class SavedTensor(BaseModel):
    """A tensor that the job has saved."""

    name: str = Field(examples=["gradient/head.linear.weight"])
    collections: list[str] = Field(examples=[["gradients"]])
    steps: dict[str, int] = Field(description="With how many steps, by mode.", examples=[{"TRAIN": 48}])
    whole: bool = Field(description="Whether the tensor itself was saved.")
    reductions: list[str] = Field(description="The figures that were saved.", examples=[["abs_mean"]])
    url: str = Field(examples=["/jobs/training/dogs-1/debugger/tensors/gradient/head.linear.weight"])


class ModeSeries(BaseModel):
    """A tensor's figure over the steps of one mode."""

    mode: str = Field(examples=["TRAIN"])
    steps: list[int] = Field(examples=[[0, 10, 20]])
    values: list[float | None] = Field(
        description="null where nan or infinite, and where neither the figure nor the whole tensor was saved.",
        examples=[[0.012, 0.011, 0.009]],
    )


class TensorSeries(BaseModel):
    """A tensor's figure over time."""

    tensor: str = Field(examples=["gradient/head.linear.weight"])
    figure: Figure
    series: list[ModeSeries]
    evaluation: EvaluationProgress
