"""The classes of a deployed model."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from service.schemas.endpoint import NAME_PATTERN
from service.schemas.page import Body


class BreedQuery(Body):
    """Whose breeds."""

    endpoint: Annotated[
        str | None,
        Field(
            pattern=NAME_PATTERN, max_length=63, description="Which endpoint's model; default: that of POST /predict."
        ),
    ] = None


class Breed(BaseModel):
    """One class: the model's output, the folder it was trained from, and the breed's name."""

    index: Annotated[int, Field(ge=0, examples=[0])]
    folder: Annotated[str, Field(examples=["001.Affenpinscher"])]
    breed: Annotated[str, Field(examples=["Affenpinscher"])]


class BreedList(BaseModel):
    """All classes of the model behind an endpoint, in index order, read from the model artifact."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "endpoint": "dog-breeds",
                    "model": "dog-breeds-0f3a2b4c5d",
                    "items": [
                        {"index": 0, "folder": "001.Affenpinscher", "breed": "Affenpinscher"},
                        {"index": 1, "folder": "002.Afghan_hound", "breed": "Afghan hound"},
                    ],
                }
            ]
        }
    )

    endpoint: Annotated[str, Field(examples=["dog-breeds"])]
    model: Annotated[str, Field(description="SageMaker's model.", examples=["dog-breeds-0f3a2b4c5d"])]
    items: list[Breed]
