"""What a tuning job searches: ranges of hyperparameters."""

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, FiniteFloat, StrictInt, model_validator

from service.schemas.job import HyperparameterName, Scalar
from service.schemas.page import Body

MAX_VALUE_CHARACTERS = 256


class Scaling(StrEnum):
    """On which scale values are drawn."""

    AUTO = "Auto"
    LINEAR = "Linear"
    LOGARITHMIC = "Logarithmic"
    REVERSE_LOGARITHMIC = "ReverseLogarithmic"


class ContinuousRange(Body):
    """Any number between min and max."""

    type: Literal["continuous"]
    min: FiniteFloat
    max: FiniteFloat
    scaling: Scaling = Scaling.AUTO

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        if self.min >= self.max:
            raise ValueError(f"min ({self.min}) must be less than max ({self.max}); fix a single value instead")
        if self.scaling is Scaling.LOGARITHMIC and self.min <= 0:
            raise ValueError(f"Logarithmic scaling needs min > 0, not {self.min}")
        if self.scaling is Scaling.REVERSE_LOGARITHMIC and not (self.min >= 0 and self.max < 1):
            raise ValueError(f"ReverseLogarithmic scaling needs 0 <= min and max < 1, not {self.min} to {self.max}")
        return self


class IntegerRange(Body):
    """Any whole number between min and max, both included."""

    type: Literal["integer"]
    min: StrictInt
    max: StrictInt
    scaling: Literal[Scaling.AUTO, Scaling.LINEAR, Scaling.LOGARITHMIC] = Scaling.AUTO

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        if self.min >= self.max:
            raise ValueError(f"min ({self.min}) must be less than max ({self.max}); fix a single value instead")
        if self.scaling is Scaling.LOGARITHMIC and self.min <= 0:
            raise ValueError(f"Logarithmic scaling needs min > 0, not {self.min}")
        return self


class CategoricalRange(Body):
    """One of some values."""

    type: Literal["categorical"]
    values: Annotated[list[Scalar], Field(min_length=2, max_length=30)]

    @model_validator(mode="after")
    def _values_differ(self) -> Self:
        texts = [str(value) for value in self.values]
        if len(set(texts)) < len(texts):
            raise ValueError("values: each value may stand there once")
        long = [text for text in texts if len(text) > MAX_VALUE_CHARACTERS - 2]  # two are quotes
        if long:
            raise ValueError(f"values: {long[0][:40]}... is longer than {MAX_VALUE_CHARACTERS - 2} characters")
        return self


Range = Annotated[ContinuousRange | IntegerRange | CategoricalRange, Field(discriminator="type")]
Ranges = Annotated[
    dict[HyperparameterName, Range],
    Field(
        min_length=1,
        max_length=30,
        description="What to search, by hyperparameter; at most 30. Any flag of docs/training.md can be.",
    ),
]

DEFAULT_RANGES: dict[str, ContinuousRange | IntegerRange | CategoricalRange] = {
    "lr": ContinuousRange(type="continuous", min=0.001, max=0.1, scaling=Scaling.LOGARITHMIC),
    "batch-size": CategoricalRange(type="categorical", values=[32, 64, 128, 256]),
}
