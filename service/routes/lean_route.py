"""Routes that are asked thousands of times a second: in the document like every other one, called without FastAPI's
dependency solving, its exit stacks and its answer validation, which cost more CPU than a prediction's own work.
"""

from collections.abc import Callable
from functools import lru_cache
from inspect import signature
from typing import Any
from urllib.parse import parse_qsl

from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

KNOWN_QUERIES = 256


class LeanRoute(APIRoute):
    """A route of a coroutine `(request, query, <path parameters>) -> Response`, with `query` a model of all parameters.

    To be put among the app's routes as it is, ahead of the others: what FastAPI includes, it wraps.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().__init__(path, endpoint, **options)
        # Types of parameters are as FastAPI reads them: Annotated, with what Path and Query say of them.
        declared = signature(endpoint, eval_str=True).parameters
        query = _adapter(declared["query"].annotation)
        in_path = {name: _adapter(declared[name].annotation) for name in self.param_convertors}

        @lru_cache(maxsize=KNOWN_QUERIES)
        def query_of(query_string: bytes) -> Any:
            return query.validate_python(dict(parse_qsl(query_string.decode("latin-1"), keep_blank_values=True)))

        async def serve(scope: Scope, receive: Receive, send: Send) -> None:
            request = Request(scope, receive, send)
            arguments: dict[str, Any] = {}
            faults: list[Any] = []
            for name, adapter in in_path.items():
                try:
                    arguments[name] = adapter.validate_python(scope["path_params"][name])
                except ValidationError as error:
                    faults += _faults(error, "path", name)
            try:
                arguments["query"] = query_of(scope["query_string"])
            except ValidationError as error:
                faults += _faults(error, "query")
            if faults:
                raise RequestValidationError(faults)
            response = await endpoint(request, **arguments)
            await response(scope, receive, send)

        self.app = serve


def _adapter(annotation: Any) -> TypeAdapter[Any]:
    return TypeAdapter(annotation)


def _faults(error: ValidationError, *place: str) -> list[dict[str, Any]]:
    return [{**fault, "loc": (*place, *fault["loc"])} for fault in error.errors()]
