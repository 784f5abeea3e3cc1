"""Predictions for big images and long queues: POST takes the image and answers 202, its Location answers later."""

import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from service.dependencies import ClientsDep, SettingsDep
from service.domain import asynchronous_predictions
from service.errors import (
    AccessDenied,
    AwsUnavailable,
    BadRequest,
    EndpointNotFound,
    EndpointNotInService,
    InvalidRequest,
    NameConflict,
    NotAnImage,
    PayloadTooLarge,
    PredictionNotFound,
    StateConflict,
    Throttled,
    WrongEndpointKind,
)
from service.routes.problem_examples import CORRECT_MEMBERS, refused
from service.routes.streamed_upload import received_image
from service.schemas.asynchronous_prediction import (
    COMPLETED,
    FAILED,
    ID_PATTERN,
    IN_PROGRESS,
    LOCATION,
    AsynchronousPrediction,
    AsynchronousQuery,
    PredictionId,
    PredictionStatus,
)
from service.schemas.endpoint import NAME_PATTERN
from service.schemas.problem import problem_responses

router = APIRouter(prefix="/endpoints/{name}/predictions", tags=["predictions"])

RETRY_AFTER = {"Retry-After": "2"}
Name = Annotated[
    str, Path(pattern=NAME_PATTERN, max_length=63, description="The endpoint's name.", examples=["dog-breeds"])
]
Id = Annotated[str, Path(pattern=ID_PATTERN, description="The prediction's id.", examples=["rex-1"])]
_BINARY = {"type": "string", "format": "binary"}
REQUEST_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "The image's bytes as they lie on disk, or a form with one file in the field `file`.",
        "content": {
            **{f"image/{kind}": {"schema": _BINARY} for kind in ("jpeg", "png", "webp", "bmp", "gif")},
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {"file": _BINARY},
                    "additionalProperties": False,
                }
            },
            "application/octet-stream": {"schema": _BINARY},
        },
    }
}
_TEXT = {"schema": {"type": "string"}}
HEADERS = {
    "Location": {"description": "Where to ask for the answer.", **_TEXT},
    "Retry-After": {"description": "Seconds to wait before asking again, while InProgress.", **_TEXT},
}
ID_BREAKS = (
    "#/path/id: String should match pattern '^[A-Za-z0-9][A-Za-z0-9._\\-]{0,63}$'",
    CORRECT_MEMBERS,
)
UNFINISHED = (
    "The prediction 'rex-1' is InProgress, and SageMaker takes nothing out of its queue.",
    f"Wait until GET {LOCATION} says Completed or Failed, then send this again.",
)
TOLD_POST = {
    BadRequest: ("The request has no image.", "Send its bytes: curl --data-binary @dog.jpg URL"),
    PayloadTooLarge: (
        "The image has more than 67,108,864 bytes (64 MiB), the largest that is taken.",
        "Send a smaller image, or let SAGEHOUND_MAX_ASYNC_IMAGE_BYTES allow more (AWS takes up to 1 GB).",
    ),
    NameConflict: (
        "The prediction 'rex-1' of 'dog-breeds' was asked for with another image or top_k.",
        "Take another id, or leave it out.",
    ),
    WrongEndpointKind: (
        "The endpoint 'dog-breeds' is not asynchronous.",
        "Send the image to POST /endpoints/dog-breeds/predict, or deploy an endpoint with "
        '"asynchronous": {} and ask that one.',
    ),
    InvalidRequest: ("#/query/top_k: Input should be less than or equal to 100", CORRECT_MEMBERS),
    AccessDenied: refused("InvokeEndpointAsync"),
}


def _content(*values: dict[str, Any]) -> dict[str, Any]:
    examples = {value["status"]: {"summary": value["status"], "value": value} for value in values}
    return {"application/json": {"examples": examples}}


@router.post(
    "",
    status_code=202,
    summary="Ask for a prediction, and get it later",
    response_model=AsynchronousPrediction,
    response_model_exclude_unset=True,
    responses={
        202: {"description": "The image waits for the model.", "headers": HEADERS, "content": _content(IN_PROGRESS)},
        200: {
            "description": "The same request was sent before; here is what became of it.",
            "model": AsynchronousPrediction,
            "headers": HEADERS,
            "content": _content(COMPLETED, IN_PROGRESS),
        },
        **problem_responses(
            BadRequest,
            EndpointNotFound,
            EndpointNotInService,
            WrongEndpointKind,
            NameConflict,
            PayloadTooLarge,
            NotAnImage,
            InvalidRequest,
            Throttled,
            AccessDenied,
            AwsUnavailable,
            instance="/endpoints/dog-breeds/predictions",
            told=TOLD_POST,
        ),
    },
    openapi_extra=REQUEST_BODY,
)
async def ask_for_prediction(
    name: Name,
    request: Request,
    response: Response,
    *,
    clients: ClientsDep,
    settings: SettingsDep,
    query: Annotated[AsynchronousQuery, Query()],
    idempotency_key: Annotated[
        PredictionId | None, Header(description="The prediction's id, the same as `id`.", examples=["rex-1"])
    ] = None,
) -> AsynchronousPrediction:
    """For images of up to 64 MiB (setting SAGEHOUND_MAX_ASYNC_IMAGE_BYTES) and for queues of them.

    The endpoint has to be deployed with `"asynchronous": {}`. The image goes to S3 and waits in SageMaker's queue for
    up to six hours; ask the Location for the answer. An id makes the request repeatable: the same id and image
    answer the same prediction (200), another image under the id is a conflict (409).
    """
    if query.id is not None and idempotency_key is not None and query.id != idempotency_key:
        raise BadRequest("The id and the header Idempotency-Key differ.", "Send one of them, or the same in both.")
    prediction_id = query.id or idempotency_key or uuid.uuid4().hex
    async with received_image(request, settings.max_async_image_bytes) as image:
        prediction, is_new = await run_in_threadpool(
            asynchronous_predictions.submit, clients, name, prediction_id, image, query.top_k
        )
    response.status_code = 202 if is_new else 200
    response.headers["Location"] = prediction.location
    _say_when(prediction, response)
    return prediction


@router.get(
    "/{id}",
    summary="The prediction, once there is one",
    response_model_exclude_unset=True,
    responses={
        200: {
            "description": "How far it is; the answer, or why there is none.",
            "headers": {"Retry-After": HEADERS["Retry-After"]},
            "content": _content(COMPLETED, IN_PROGRESS, FAILED),
        },
        **problem_responses(
            PredictionNotFound,
            InvalidRequest,
            Throttled,
            AccessDenied,
            AwsUnavailable,
            instance=LOCATION,
            told={InvalidRequest: ID_BREAKS, AccessDenied: refused("GetObject")},
        ),
    },
)
def get_prediction(name: Name, id: Id, clients: ClientsDep, response: Response) -> AsynchronousPrediction:  # noqa: A002
    """`InProgress`, `Completed` with the answer of POST /predict in `prediction`, or `Failed` with the reason in
    `problem`. Predictions stay until they are deleted, or until a lifecycle rule of the bucket takes them.
    """
    prediction = asynchronous_predictions.get(clients, name, id)
    _say_when(prediction, response)
    return prediction


@router.delete(
    "/{id}",
    status_code=204,
    response_class=Response,
    summary="Delete a prediction",
    responses={
        204: {"description": "Image and answer are deleted."},
        **problem_responses(
            PredictionNotFound,
            StateConflict,
            InvalidRequest,
            Throttled,
            AccessDenied,
            AwsUnavailable,
            instance=LOCATION,
            told={StateConflict: UNFINISHED, InvalidRequest: ID_BREAKS, AccessDenied: refused("DeleteObject")},
        ),
    },
)
def delete_prediction(name: Name, id: Id, clients: ClientsDep) -> Response:  # noqa: A002
    """Deletes the image, the answer, and what the service knows of them. Not while it is InProgress (409)."""
    asynchronous_predictions.delete(clients, name, id)
    return Response(status_code=204)


def _say_when(prediction: AsynchronousPrediction, response: Response) -> None:
    if prediction.status is PredictionStatus.IN_PROGRESS:
        response.headers.update(RETRY_AFTER)
