"""A model's functions: model_fn, input_fn, predict_fn, output_fn, transform_fn, and the defaults for what is missing.

The contract is that of SageMaker's public inference toolkits; the last argument of each function may be `context`.
pre_model_fn(model_dir) and model_warmup_fn(model_dir, model) run around model_fn. predict_batch_fn(inputs, model)
predicts the inputs of several requests at once, and answers a list of as many predictions.
"""

import inspect
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from model_server import formats
from model_server.context import HandlerContext
from model_server.messages import INFERENCE_ID_HEADER, JSON, Answer, Invocation
from model_server.program import BadHandler
from model_server.torch_model import default_model, default_predict


@dataclass(frozen=True)
class _Asked:
    """A request as a model's functions take it."""

    body: bytes | str
    content_type: str
    accept: str
    context: HandlerContext


class Handler:
    """A loaded model. Used by one thread, since a model's functions promise nothing about several."""

    def __init__(self, module: ModuleType | None, model_dir: Path) -> None:
        self._model_dir = model_dir
        functions = {name: getattr(module, name, None) for name in _ARGUMENTS}
        if functions["transform_fn"] and any(functions[name] for name in _PARTS_OF_TRANSFORM):
            raise BadHandler(f"transform_fn does the work of {', '.join(_PARTS_OF_TRANSFORM)}: define it or those")
        self._transform_fn = _bind("transform_fn", functions["transform_fn"] or self._default_transform)
        self._input_fn = _bind("input_fn", functions["input_fn"] or formats.decode)
        batch_fn = functions["predict_batch_fn"]
        self._has_batch_fn = batch_fn is not None
        self._predict_batch_fn = _bind("predict_batch_fn", batch_fn or default_predict)
        alone = functions["predict_fn"] or (self._predict_one if batch_fn else default_predict)
        self._predict_fn = _bind("predict_fn", alone)
        self._output_fn = _bind("output_fn", functions["output_fn"] or formats.encode)
        context = HandlerContext(str(model_dir))
        if functions["pre_model_fn"]:
            _bind("pre_model_fn", functions["pre_model_fn"])(str(model_dir), context=context)
        self._model = _bind("model_fn", functions["model_fn"] or default_model)(str(model_dir), context=context)
        if functions["model_warmup_fn"]:
            _bind("model_warmup_fn", functions["model_warmup_fn"])(str(model_dir), self._model, context=context)

    def invoke(self, invocation: Invocation) -> Answer:
        """Answer one request. Whatever the model's functions raise is raised."""
        asked = self._asked(invocation)
        result = self._transform_fn(self._model, asked.body, asked.content_type, asked.accept, context=asked.context)
        return _answer(result, asked)

    def invoke_batch(self, invocations: Sequence[Invocation]) -> list[Answer | BaseException]:
        """Answer several requests, predicted at once where the model has predict_batch_fn.

        What is raised for one of them stands in its place; what predict_batch_fn raises, for all it was to predict.
        """
        if not self._has_batch_fn:
            return [_caught(self.invoke, sent) for sent in invocations]
        asked = [_caught(self._asked, sent) for sent in invocations]
        inputs = [one if isinstance(one, BaseException) else _caught(self._read, one) for one in asked]
        readable = [data for data in inputs if not isinstance(data, BaseException)]
        predicted = _caught(self._predict_batch, readable) if readable else []
        predictions = iter([predicted] * len(readable) if isinstance(predicted, BaseException) else predicted)
        found = [data if isinstance(data, BaseException) else next(predictions) for data in inputs]
        return [
            one if isinstance(one, BaseException) else _caught(self._write, one, to)
            for one, to in zip(found, asked, strict=True)
        ]

    def _asked(self, invocation: Invocation) -> _Asked:
        headers = invocation.headers
        context = HandlerContext(str(self._model_dir), headers, headers.get(INFERENCE_ID_HEADER, ""))
        # HTTP's own reading of a missing content type.
        content_type = headers.get("content-type") or "application/octet-stream"
        accept = headers.get("accept") or "*/*"
        if accept == "*/*":
            accept = os.environ.get("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT", JSON)
        text = formats.media_type(content_type) in {JSON, formats.CSV}  # the toolkits hand these over as str
        body = _text(invocation.body, content_type) if text else invocation.body
        return _Asked(body, content_type, accept, context)

    def _default_transform(self, model: Any, body: Any, content_type: str, accept: str, context: HandlerContext) -> Any:
        data = self._input_fn(body, content_type, context=context)
        prediction = self._predict_fn(data, model, context=context)
        return self._output_fn(prediction, accept, context=context)

    def _read(self, asked: _Asked) -> Any:
        return self._input_fn(asked.body, asked.content_type, context=asked.context)

    def _predict_batch(self, inputs: list[Any]) -> list[Any]:
        found = self._predict_batch_fn(inputs, self._model, context=HandlerContext(str(self._model_dir)))
        if not isinstance(found, list | tuple) or len(found) != len(inputs):
            told = f"{len(found)}" if isinstance(found, list | tuple) else f"a {type(found).__name__}"
            raise BadHandler(f"predict_batch_fn must return a list of {len(inputs)} predictions; it returned {told}")
        return list(found)

    def _predict_one(self, data: Any, model: Any) -> Any:  # noqa: ARG002 - predict_fn's signature
        return self._predict_batch([data])[0]

    def _write(self, prediction: Any, asked: _Asked) -> Answer:
        return _answer(self._output_fn(prediction, asked.accept, context=asked.context), asked)


# What each function is called with, before context.
_ARGUMENTS: Mapping[str, int] = {
    "pre_model_fn": 1,
    "model_fn": 1,
    "model_warmup_fn": 2,
    "input_fn": 2,
    "predict_fn": 2,
    "predict_batch_fn": 2,
    "output_fn": 2,
    "transform_fn": 4,
}
_PARTS_OF_TRANSFORM = ("input_fn", "predict_fn", "predict_batch_fn", "output_fn")


def _answer(result: Any, asked: _Asked) -> Answer:
    """What a model's functions returned for a request, as its answer."""
    result, answered_type = result if isinstance(result, tuple) and len(result) == 2 else (result, asked.accept)
    body = _parts(result) if isinstance(result, Iterator) else _bytes(result)
    headers = {"content-type": str(answered_type), **asked.context.response_headers}
    _check_headers(headers)
    return Answer(body, asked.context.response_status, headers)


def _caught(step: Callable[..., Any], *arguments: Any) -> Any:
    """What the step returns or raises."""
    try:
        return step(*arguments)
    except BaseException as error:  # noqa: BLE001 - the boundary to the model's own code, which may call sys.exit
        return error


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
