"""POST /predict and POST /endpoints/{name}/predict: an image in, breeds with probabilities out."""

import asyncio
import time
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response

from service.dependencies import RuntimeDep, SettingsDep
from service.domain.predictions import predict
from service.errors import (
    AccessDenied,
    AwsUnavailable,
    BadRequest,
    EndpointNotFound,
    EndpointNotInService,
    InvalidRequest,
    ModelFailed,
    NotAnImage,
    PayloadTooLarge,
    PredictionTimeout,
    Problem,
    Throttled,
    UnreadableImage,
)
from service.routes.problem_examples import CORRECT_MEMBERS
from service.routes.uploads import Upload, read_uploads
from service.schemas.endpoint import NAME_PATTERN
from service.schemas.prediction import ANSWER, FilePrediction, Prediction, PredictionList, PredictionQuery
from service.schemas.problem import problem_responses

router = APIRouter(tags=["predictions"])

CONCURRENT_INVOCATIONS = 4  # of one form's images
_BINARY = {"type": "string", "format": "binary"}
REQUEST_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "The image's bytes as they lie on disk, or a form with one or more files in the field `file`.",
        "content": {
            **{f"image/{kind}": {"schema": _BINARY} for kind in ("jpeg", "png", "webp", "bmp", "gif")},
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {"type": "array", "items": _BINARY, "minItems": 1, "description": "One image or more."}
                    },
                    "additionalProperties": False,
                }
            },
            "application/octet-stream": {"schema": _BINARY},
        },
    }
}
TOLD = {
    BadRequest: ("The request has no body.", "Send the image's bytes: curl --data-binary @dog.jpg URL/predict"),
    InvalidRequest: ("#/query/top_k: Input should be less than or equal to 100", CORRECT_MEMBERS),
}


def _responses(instance: str) -> dict[int | str, dict[str, Any]]:
    return {
        200: {
            "description": "The breeds; for a form with several files `items`, in their order.",
            "headers": {
                "Server-Timing": {
                    "description": "Milliseconds to read the upload (`parse`) and to hear from the model (`model`).",
                    "schema": {"type": "string"},
                    "example": "parse;dur=0.4, model;dur=38.2",
                }
            },
            "content": {
                "application/json": {
                    "examples": {
                        "one image": {"summary": "One image", "value": ANSWER},
                        "several files": {
                            "summary": "A form with several files",
                            "value": {"items": [{**ANSWER, "filename": name} for name in ("rex.jpg", "luna.png")]},
                        },
                    }
                }
            },
        },
        **problem_responses(
            BadRequest,
            EndpointNotFound,
            EndpointNotInService,
            PayloadTooLarge,
            NotAnImage,
            UnreadableImage,
            InvalidRequest,
            Throttled,
            ModelFailed,
            AccessDenied,
            AwsUnavailable,
            PredictionTimeout,
            instance=instance,
            told=TOLD,
        ),
    }


@router.post(
    "/predict",
    summary="Name the breed on an image",
    response_model=Prediction | PredictionList,
    responses=_responses("/predict"),
    openapi_extra=REQUEST_BODY,
)
async def predict_default(
    request: Request, runtime: RuntimeDep, settings: SettingsDep, query: Annotated[PredictionQuery, Query()]
) -> Response:
    """Asks the default endpoint (setting SAGEHOUND_DEFAULT_ENDPOINT).

    `curl --data-binary @dog.jpg http://127.0.0.1:8000/predict` or `curl -F file=@dog.jpg ...`. The bytes go to
    InvokeEndpoint as they came; the format is told from them, whatever the Content-Type says.
    """
    return await _answer(request, runtime, settings, settings.default_endpoint, query.top_k)


@router.post(
    "/endpoints/{name}/predict",
    summary="Name the breed on an image, asking a certain endpoint",
    response_model=Prediction | PredictionList,
    responses=_responses("/endpoints/dog-breeds/predict"),
    openapi_extra=REQUEST_BODY,
)
async def predict_with_endpoint(
    name: Annotated[
        str, Path(pattern=NAME_PATTERN, max_length=63, description="The endpoint's name.", examples=["dog-breeds"])
    ],
    request: Request,
    runtime: RuntimeDep,
    settings: SettingsDep,
    query: Annotated[PredictionQuery, Query()],
) -> Response:
    """The same as POST /predict, with the endpoint named."""
    return await _answer(request, runtime, settings, name, query.top_k)


async def _answer(request: Request, runtime: RuntimeDep, settings: SettingsDep, endpoint: str, top_k: int) -> Response:
    began = time.perf_counter()
    uploads = await read_uploads(request, settings)
    parsed = time.perf_counter()
    if len(uploads) == 1:
        answer: Prediction | PredictionList = await predict(runtime, endpoint, uploads[0].body, top_k)
    else:
        answer = await _predict_each(runtime, endpoint, uploads, top_k)
    answered = time.perf_counter()
    timing = f"parse;dur={(parsed - began) * 1000:.1f}, model;dur={(answered - parsed) * 1000:.1f}"
    return Response(answer.model_dump_json(), media_type="application/json", headers={"Server-Timing": timing})


async def _predict_each(runtime: RuntimeDep, endpoint: str, uploads: list[Upload], top_k: int) -> PredictionList:
    """All files or none: the first problem is the answer, and says which file it is about."""
    slots = asyncio.Semaphore(CONCURRENT_INVOCATIONS)

    async def one(index: int, upload: Upload) -> FilePrediction:
        async with slots:
            try:
                prediction = await predict(runtime, endpoint, upload.body, top_k)
            except Problem as problem:
                problem.members |= {"file_index": index, "filename": upload.filename}
                raise
        return FilePrediction(filename=upload.filename, **dict(prediction))

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(index, upload)) for index, upload in enumerate(uploads)]
    except ExceptionGroup as group_of_failures:
        raise group_of_failures.exceptions[0] from None
    return PredictionList(items=[task.result() for task in tasks])
