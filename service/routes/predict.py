"""POST /predict and POST /endpoints/{name}/predict: an image in, breeds with probabilities out."""

import asyncio
import time
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response

from service.aws.runtime import Runtime
from service.dependencies import get_image_fitter, get_runtime, get_settings
from service.domain.fitted_images import ImageFitter
from service.domain.predictions import predict
from service.domain.timings import Timings
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
    WrongEndpointKind,
)
from service.routes.lean_route import LeanRoute
from service.routes.problem_examples import CORRECT_MEMBERS
from service.routes.uploads import Limits, Upload, read_uploads
from service.schemas.endpoint import NAME_PATTERN
from service.schemas.prediction import (
    ANSWER,
    FITTED_ANSWER,
    FilePrediction,
    FittedSize,
    Prediction,
    PredictionList,
    PredictionQuery,
)
from service.schemas.problem import problem_responses

router = APIRouter(tags=["predictions"], route_class=LeanRoute)

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
                    "description": "Milliseconds to read the upload and shrink it where asked (`parse`), to sign "
                    "(`sign`), to wait for a free connection and between attempts (`wait`), and to hear from the model "
                    "(`model`).",
                    "schema": {"type": "string"},
                    "example": "parse;dur=0.41, sign;dur=0.12, wait;dur=0.00, model;dur=38.20",
                }
            },
            "content": {
                "application/json": {
                    "examples": {
                        "one image": {"summary": "One image", "value": ANSWER},
                        "shrunk image": {"summary": "A large image with ?fit=true", "value": FITTED_ANSWER},
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
            WrongEndpointKind,
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
async def predict_default(request: Request, query: Annotated[PredictionQuery, Query()]) -> Response:
    """Asks the default endpoint (setting SAGEHOUND_DEFAULT_ENDPOINT).

    `curl --data-binary @dog.jpg http://127.0.0.1:8000/predict` or `curl -F file=@dog.jpg ...`. The bytes go to
    InvokeEndpoint as they came; the format is told from them, whatever the Content-Type says.
    """
    return await _answer(request, get_settings(request).default_endpoint, query)


@router.post(
    "/endpoints/{name}/predict",
    summary="Name the breed on an image, asking a certain endpoint",
    response_model=Prediction | PredictionList,
    responses=_responses("/endpoints/dog-breeds/predict"),
    openapi_extra=REQUEST_BODY,
)
async def predict_with_endpoint(
    request: Request,
    name: Annotated[
        str, Path(pattern=NAME_PATTERN, max_length=63, description="The endpoint's name.", examples=["dog-breeds"])
    ],
    query: Annotated[PredictionQuery, Query()],
) -> Response:
    """The same as POST /predict, with the endpoint named."""
    return await _answer(request, name, query)


async def _answer(request: Request, endpoint: str, query: PredictionQuery) -> Response:
    settings = get_settings(request)
    timings = Timings(endpoint)
    request.scope["timings"] = timings  # for the access log and the metrics
    began = time.perf_counter()
    try:
        uploads = await read_uploads(request, Limits.of(settings, fit=query.fit))
    finally:
        timings.parse = time.perf_counter() - began
    predictor = _Predictor(
        get_runtime(request), get_image_fitter(request), settings.max_image_bytes, query.top_k, timings
    )
    if len(uploads) == 1:
        answer: Prediction | PredictionList = await predictor.prediction(uploads[0])
    else:
        answer = await predictor.predictions(uploads)
    headers = {"Server-Timing": timings.server_timing()}
    return Response(answer.model_dump_json(), media_type="application/json", headers=headers)


class _Predictor:
    """Asks the model about the images of one request."""

    def __init__(self, runtime: Runtime, fitter: ImageFitter, limit_bytes: int, top_k: int, timings: Timings) -> None:
        self._runtime = runtime
        self._fitter = fitter
        self._limit_bytes = limit_bytes
        self._top_k = top_k
        self._timings = timings

    async def prediction(self, upload: Upload) -> Prediction:
        """The answer about one image, which is shrunk first when it is too large."""
        if len(upload.body) <= self._limit_bytes:
            return await self._ask(upload.body, upload.content_type)
        began = time.perf_counter()
        try:
            small = await self._fitter.fit(upload.body, self._limit_bytes)
        finally:
            self._timings.parse += time.perf_counter() - began
        prediction = await self._ask(small.body, "image/jpeg")
        prediction.fitted = FittedSize(
            original_bytes=len(upload.body), sent_bytes=len(small.body), width=small.width, height=small.height
        )
        return prediction

    async def predictions(self, uploads: list[Upload]) -> PredictionList:
        """All files or none: the first problem is the answer, and says which file it is about."""
        slots = asyncio.Semaphore(CONCURRENT_INVOCATIONS)

        async def one(index: int, upload: Upload) -> FilePrediction:
            async with slots:
                try:
                    prediction = await self.prediction(upload)
                except Problem as problem:
                    problem.members |= {"file_index": index, "filename": upload.filename}
                    raise
            return FilePrediction(filename=upload.filename, **dict(prediction))

        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(one(index, upload)) for index, upload in enumerate(uploads)]
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None
        return PredictionList(items=[task.result() for task in tasks])

    async def _ask(self, image: bytes, content_type: str) -> Prediction:
        return await predict(self._runtime, image, content_type, self._top_k, self._timings)
