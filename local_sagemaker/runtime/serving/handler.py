"""A model's functions: model_fn, input_fn, predict_fn, output_fn, transform_fn, and the defaults for what is missing.

The contract is that of SageMaker's public inference toolkits; the last argument of each function may be `context`.
pre_model_fn(model_dir) and model_warmup_fn(model_dir, model) run around model_fn.
"""

import inspect
import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from local_sagemaker.runtime.serving import handler_formats as formats
from local_sagemaker.runtime.serving.handler_context import HandlerContext
from local_sagemaker.runtime.serving.handler_program import BadHandler
from local_sagemaker.runtime.serving.torch_model import default_model, default_predict


@dataclass(frozen=True)
class Invocation:
    """A request; header names in lower case."""

    body: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Answer:
    """A response; header names in lower case. A body that is an iterator is sent in parts as they come."""

    body: bytes | Iterator[bytes]
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


def problem(status: int, code: str, message: str, **headers: str) -> Answer:
    """An answer that tells what is wrong: `{"code", "message"}`."""
    body = json.dumps({"code": code, "message": message}).encode()
    return Answer(body, status, {"content-type": formats.JSON, **headers})


class Handler:
    """A loaded model. Used by one thread, since a model's functions promise nothing about several."""

    def __init__(self, module: ModuleType | None, model_dir: Path) -> None:
        self._model_dir = model_dir
        functions = {name: getattr(module, name, None) for name in _ARGUMENTS}
        if functions["transform_fn"] and any(functions[name] for name in ("input_fn", "predict_fn", "output_fn")):
            raise BadHandler("transform_fn does the work of input_fn, predict_fn and output_fn: define it or those")
        self._transform_fn = _bind("transform_fn", functions["transform_fn"] or self._default_transform)
        self._input_fn = _bind("input_fn", functions["input_fn"] or formats.decode)
        self._predict_fn = _bind("predict_fn", functions["predict_fn"] or default_predict)
        self._output_fn = _bind("output_fn", functions["output_fn"] or formats.encode)
        context = HandlerContext(str(model_dir))
        if functions["pre_model_fn"]:
            _bind("pre_model_fn", functions["pre_model_fn"])(str(model_dir), context=context)
        self._model = _bind("model_fn", functions["model_fn"] or default_model)(str(model_dir), context=context)
        if functions["model_warmup_fn"]:
            _bind("model_warmup_fn", functions["model_warmup_fn"])(str(model_dir), self._model, context=context)

    def invoke(self, invocation: Invocation) -> Answer:
        """Answer one request. Whatever the model's functions raise is raised."""
        context = HandlerContext(str(self._model_dir), invocation.headers)
        # HTTP's own reading of a missing content type.
        content_type = invocation.headers.get("content-type") or "application/octet-stream"
        accept = invocation.headers.get("accept") or "*/*"
        if accept == "*/*":
            accept = os.environ.get("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT", formats.JSON)
        text = formats.media_type(content_type) in {formats.JSON, formats.CSV}  # the toolkits hand these over as str
        sent = _text(invocation.body, content_type) if text else invocation.body
        result = self._transform_fn(self._model, sent, content_type, accept, context=context)
        result, answered_type = result if isinstance(result, tuple) and len(result) == 2 else (result, accept)
        body = _parts(result) if isinstance(result, Iterator) else _bytes(result)
        headers = {"content-type": str(answered_type), **context.response_headers}
        _check_headers(headers)
        return Answer(body, context.response_status, headers)

    def _default_transform(self, model: Any, body: Any, content_type: str, accept: str, context: HandlerContext) -> Any:
        data = self._input_fn(body, content_type, context=context)
        prediction = self._predict_fn(data, model, context=context)
        return self._output_fn(prediction, accept, context=context)


# What each function is called with, before context.
_ARGUMENTS: Mapping[str, int] = {
    "pre_model_fn": 1,
    "model_fn": 1,
    "model_warmup_fn": 2,
    "input_fn": 2,
    "predict_fn": 2,
    "output_fn": 2,
    "transform_fn": 4,
}


def _bind(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """`function`, callable with its own arguments and `context`, which is passed on where it is taken."""
    if not callable(function):
        raise BadHandler(f"{name} in inference.py is a {type(function).__name__}, not a function")
    count = _ARGUMENTS[name]
    parameters = list(inspect.signature(function).parameters.values())
    by_name = any(parameter.name == "context" for parameter in parameters)
    required = [
        parameter
        for parameter in parameters
        if parameter.default is parameter.empty
        and parameter.kind in {parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD}
    ]

    def call(*arguments: Any, context: HandlerContext) -> Any:
        if by_name:
            return function(*arguments, context=context)
        if len(required) == count + 1:
            return function(*arguments, context)
        return function(*arguments)

    return call


def _text(body: bytes, content_type: str) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise formats.UnreadableInput(f"the body is no {content_type}: {error}") from error


def _parts(results: Iterator[Any]) -> Iterator[bytes]:
    """What a generator yields, as bytes; closing this one closes it."""
    try:
        for result in results:
            yield _bytes(result)
    finally:
        close = getattr(results, "close", None)
        if close is not None:
            close()


def _check_headers(headers: Mapping[str, str]) -> None:
    for name, value in headers.items():
        if not (name.isascii() and name.isprintable() and value.isascii() and value.isprintable()):
            raise BadHandler(f"{name!r}: {value!r} cannot be a header of the answer: it takes printable ASCII")


def _bytes(result: Any) -> bytes:
    if isinstance(result, str):
        return result.encode()
    if isinstance(result, bytes | bytearray | memoryview):
        return bytes(result)
    raise BadHandler(
        "output_fn must return bytes or str, an iterator of them to answer in parts, or one of these with a content"
        f" type as a tuple; it returned a {type(result).__name__}"
    )
