"""The OpenAPI document: what FastAPI makes of the routes, with every error told as problem+json."""

from collections.abc import Iterator, Sequence
from typing import Any

from fastapi.openapi.utils import get_openapi
from starlette.routing import BaseRoute

from service.errors import MEDIA_TYPE, InternalError, InvalidRequest
from service.schemas.problem import ProblemDetails, problem_responses

TITLE = "Sagehound"
VERSION = "0.1.0"
SUMMARY = "Tune, train, debug, profile, deploy and ask a dog-breed classifier on Amazon SageMaker."
DESCRIPTION = """
Everything that takes long answers 202 with a Location to watch. Names are idempotency keys: the same name with the
same body answers what is there, with another body 409. Errors are problem details (RFC 9457): `detail` says what
happened and why, `action` what to do next. Lists have `items` and `next_cursor`.
"""
TAGS = [
    {"name": "predictions", "description": "Name the breed on an image."},
    {"name": "endpoints", "description": "Deploy models: SageMaker's model, config and endpoint as one deployment."},
    {"name": "training jobs", "description": "Train a model, watch it, stop it."},
    {"name": "tuning jobs", "description": "Look for the best hyperparameters with parallel training jobs."},
    {"name": "health", "description": "For probes."},
]
FASTAPI_ERROR_SCHEMAS = ("HTTPValidationError", "ValidationError")
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


def document(routes: Sequence[BaseRoute]) -> dict[str, Any]:
    """The document of the app that has these routes."""
    made = get_openapi(
        title=TITLE, version=VERSION, summary=SUMMARY, description=DESCRIPTION.strip(), tags=TAGS, routes=routes
    )
    for path, operation in operations(made):
        responses = operation["responses"]
        common = {str(status): entry for status, entry in _common(path).items()}
        if MEDIA_TYPE in responses.get("422", {}).get("content", {MEDIA_TYPE: None}):
            common.pop("422")  # the route has no parameters, or tells about them itself
        responses.update(common)
        operation["responses"] = dict(sorted(responses.items()))
    schemas = made["components"]["schemas"]
    for name in FASTAPI_ERROR_SCHEMAS:
        schemas.pop(name, None)
    schemas["ProblemDetails"] = ProblemDetails.model_json_schema()
    made["components"]["schemas"] = dict(sorted(schemas.items()))
    return made


def operations(made: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Path and operation of every route in the document."""
    for path, item in made["paths"].items():
        for method in METHODS:
            if method in item:
                yield path, item[method]


def _common(path: str) -> dict[int | str, dict[str, Any]]:
    return problem_responses(InvalidRequest, InternalError, instance=path)
