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
The way to a model: POST /jobs/tuning looks for hyperparameters, POST /jobs/training trains with them, POST /endpoints
deploys the model, POST /predict asks it. `make demo` in the repository goes this way on one machine.

- **What takes long** answers 202 with a Location to watch.
- **Names are idempotency keys**: the same name with the same body answers what is there, with another body 409.
- **Errors** are problem details (RFC 9457): `detail` says what happened and why, `action` what to do next.
- **Lists** have `items` and `next_cursor`; send the latter as `cursor` to get the next page.
"""
TAGS = [
    {"name": "tuning jobs", "description": "Look for the best hyperparameters with parallel training jobs."},
    {"name": "training jobs", "description": "Train a model, watch it, stop it."},
    {"name": "diagnostics", "description": "What Debugger and Profiler make of a job: findings, plots, pages, events."},
    {"name": "endpoints", "description": "Deploy models: SageMaker's model, config and endpoint as one deployment."},
    {"name": "predictions", "description": "Name the breed on an image."},
    {"name": "breeds", "description": "What a deployed model can tell apart."},
    {"name": "health", "description": "For probes and Prometheus: does the process live, does AWS answer."},
]
FASTAPI_ERROR_SCHEMAS = ("HTTPValidationError", "ValidationError")
UNDESCRIBED = "Successful Response"  # FastAPI's word for an answer that no route described
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


def document(routes: Sequence[BaseRoute]) -> dict[str, Any]:
    """The document of the app that has these routes."""
    made = get_openapi(
        title=TITLE, version=VERSION, summary=SUMMARY, description=DESCRIPTION.strip(), tags=TAGS, routes=routes
    )
    schemas = made["components"]["schemas"]
    for path, operation in operations(made):
        responses = operation["responses"]
        instance = path
        for parameter in operation.get("parameters", []):
            _fill_in(parameter)
            instance = instance.replace(f"{{{parameter['name']}}}", parameter.get("example", ""))
        common = {str(status): entry for status, entry in _common(instance).items()}
        if MEDIA_TYPE in responses.get("422", {}).get("content", {MEDIA_TYPE: None}):
            common.pop("422")  # the route has no parameters, or tells about them itself
        responses.update(common)
        operation["responses"] = dict(sorted(responses.items()))
        for answer in responses.values():
            _describe(answer, schemas)
    for name in FASTAPI_ERROR_SCHEMAS:
        schemas.pop(name, None)
    schemas["ProblemDetails"] = ProblemDetails.model_json_schema()
    for schema in schemas.values():
        if "examples" in schema:
            schema["examples"] = [_in_order(example, schema, schemas) for example in schema["examples"]]
    made["components"]["schemas"] = dict(sorted(schemas.items()))
    return made


def operations(made: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Path and operation of every route in the document."""
    for path, item in made["paths"].items():
        for method in METHODS:
            if method in item:
                yield path, item[method]


def _common(instance: str) -> dict[int | str, dict[str, Any]]:
    return problem_responses(InvalidRequest, InternalError, instance=instance)


def _fill_in(parameter: dict[str, Any]) -> None:
    """Make the parameter one that Swagger UI can send as it stands.

    Only a parameter's own example, not its schema's, is written into the input; optional ones stay empty, since an
    example of a filter would hide what is there. A URL has no null, which FastAPI offers for what may be left out.
    """
    schema = parameter["schema"]
    if parameter["in"] == "path" and "examples" in schema:
        parameter["example"] = schema["examples"][0]
    values = [choice for choice in schema.get("anyOf", []) if choice != {"type": "null"}]
    if len(values) == 1 and not parameter["required"]:
        del schema["anyOf"]
        schema.update({**values[0], **schema})


def _describe(answer: dict[str, Any], schemas: dict[str, Any]) -> None:
    """Say what the answer is where FastAPI says only that it is one."""
    if answer["description"] == UNDESCRIBED:
        reference: str = answer["content"]["application/json"]["schema"]["$ref"]
        answer["description"] = schemas[reference.rsplit("/", 1)[1]]["description"]


def _in_order(example: Any, schema: dict[str, Any], schemas: dict[str, Any]) -> Any:
    """The example with its members in the schema's order: Pydantic sorts them by name."""
    if "$ref" in schema:
        return _in_order(example, schemas[schema["$ref"].rsplit("/", 1)[1]], schemas)
    if isinstance(example, list) and "items" in schema:
        return [_in_order(item, schema["items"], schemas) for item in example]
    for choice in schema.get("anyOf", []):
        example = _in_order(example, choice, schemas)
    properties: dict[str, Any] = schema.get("properties", {})
    if not isinstance(example, dict) or not properties:
        return example
    known = {name: _in_order(example[name], inner, schemas) for name, inner in properties.items() if name in example}
    return known | example | known
