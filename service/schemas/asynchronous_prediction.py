"""Predictions that are asked for now and answered later."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from service.schemas.page import Body
from service.schemas.prediction import ANSWER, Prediction
from service.schemas.problem import ProblemDetails

ID_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._\-]{0,63}$"  # a folder's name in S3, and an InferenceId

PredictionId = Annotated[str, StringConstraints(pattern=ID_PATTERN)]
LOCATION = "/endpoints/dog-breeds/predictions/rex-1"


class AsynchronousQuery(Body):
    """How to answer, and under which id."""

    top_k: Annotated[
        int, Field(ge=1, le=100, description="How many breeds to answer; all that the model knows if it is fewer.")
    ] = 5
    id: Annotated[
        PredictionId | None,
        Field(description="The prediction's id, the same as the header Idempotency-Key; without both a new one."),
    ] = None


class PredictionStatus(StrEnum):
    """How far an asynchronous prediction is."""

    IN_PROGRESS = "InProgress"
    COMPLETED = "Completed"
    FAILED = "Failed"


IN_PROGRESS: dict[str, Any] = {
    "id": "rex-1",
    "endpoint": "dog-breeds",
    "status": "InProgress",
    "location": LOCATION,
    "accepted_at": "2026-11-23T10:00:00Z",
}
COMPLETED: dict[str, Any] = {**IN_PROGRESS, "status": "Completed", "prediction": {**ANSWER, "variant": None}}
FAILED: dict[str, Any] = {
    **IN_PROGRESS,
    "status": "Failed",
    "problem": {
        "type": "urn:sagehound:problem:unreadable-image",
        "title": "The image cannot be read",
        "status": 422,
        "detail": "The JPEG ends before the image is complete.",
        "action": "Send the image again, or another one; it may be damaged.",
        "instance": LOCATION,
        "model_status": 400,
    },
}


class AsynchronousPrediction(BaseModel):
    """A prediction in the queue, or what became of it."""

    model_config = ConfigDict(json_schema_extra={"examples": [IN_PROGRESS, COMPLETED, FAILED]})

    id: PredictionId
    endpoint: Annotated[str, Field(description="The endpoint that was asked.", examples=["dog-breeds"])]
    status: PredictionStatus
    location: Annotated[str, Field(description="The path to ask for the answer.", examples=[LOCATION])]
    accepted_at: datetime
    prediction: Annotated[
        Prediction | None,
        Field(description="When Completed: as of POST /predict, but SageMaker does not tell the variant."),
    ] = None
    problem: Annotated[
        ProblemDetails | None, Field(description="When Failed: why, as POST /predict would have answered.")
    ] = None
