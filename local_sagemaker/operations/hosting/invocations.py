"""InvokeEndpoint and InvokeEndpointWithResponseStream: from the client to a model server and back, nothing written."""

import random
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from typing import Any

from local_sagemaker import clock
from local_sagemaker.engine.endpoints.routing import Route
from local_sagemaker.errors import ModelError, ModelStreamError, ValidationError
from local_sagemaker.operations.context import Context
from local_sagemaker.operations.coverage import Structure
from local_sagemaker.operations.hosting.model_answer import Answer
from local_sagemaker.operations.hosting.model_calls import Call, model_answer, route_in_service
from local_sagemaker.runtime.serving.data_capture import CapturedInvocation, Observed, is_sampled

ATTRIBUTES = "X-Amzn-SageMaker-Custom-Attributes"
SERVERLESS_BYTES = 4 * 1024 * 1024
# A streamed answer may take eight minutes on AWS, another one: one.
STREAM_TIMEOUTS = 8

_HONOURED = ("EndpointName", "Body", "ContentType", "Accept", "CustomAttributes", "TargetVariant", "InferenceId")
_REFUSED = {
    "TargetContainerHostname": "a model has one container; leave it out",
    "InferenceComponentName": "endpoints have variants here; use TargetVariant",
    "SessionId": "leave it out",
    "PrefixAwareId": "leave it out",
}
_REFUSED_WHOLE = {  # of an answer that is no stream
    "TargetModel": "an endpoint serves one model; name another endpoint",
    "EnableExplanations": "leave it out",
}
_ALL_REFUSED = {**_REFUSED, **_REFUSED_WHOLE}
STRUCTURES = (
    Structure("InvokeEndpointInput", honoured=_HONOURED, refused=_ALL_REFUSED),
    Structure("InvokeEndpointWithResponseStreamInput", honoured=_HONOURED, refused=_REFUSED),
)
_PASSED_HEADERS = {
    "ContentType": "Content-Type",
    "Accept": "Accept",
    "CustomAttributes": ATTRIBUTES,
    "InferenceId": "X-Amzn-SageMaker-Inference-Id",
}


async def invoke_endpoint(context: Context, members: dict[str, Any]) -> dict[str, Any]:
    """Pass the body to a model server, as it is, and its answer back."""
    route = _check(context, members)
    answer = await model_answer(context, _call(members))
    try:
        content = await answer.read(context.settings.max_invocation_bytes)
    finally:
        answer.close()
    _capture(context, route, members, answer, content)
    return {"Body": content, "ContentType": answer.response.headers.get("Content-Type"), **_told(answer)}


async def invoke_endpoint_with_response_stream(context: Context, members: dict[str, Any]) -> dict[str, Any]:
    """Pass the body to a model server, and its answer back in parts, as they come."""
    route = _check(context, members)
    call = _call(members, STREAM_TIMEOUTS * context.settings.invocation_timeout_seconds)
    answer = await model_answer(context, call)
    body = StreamedBody(context, route, members, answer)
    return {"Body": body, "ContentType": answer.response.headers.get("Content-Type"), **_told(answer)}


class StreamedBody:
    """The events of a streamed answer. It holds the model server until it is closed."""

    def __init__(self, context: Context, route: Route, members: Mapping[str, Any], answer: Answer) -> None:
        self._answer = answer
        self._events = self._parts(context, route, members)

    def __aiter__(self) -> AsyncIterator[dict[str, Any]]:
        return self._events

    async def aclose(self) -> None:
        """Let the model server go, which ends the model's generator if it still runs."""
        await self._events.aclose()
        self._answer.close()

    async def _parts(
        self, context: Context, route: Route, members: Mapping[str, Any]
    ) -> AsyncGenerator[dict[str, Any], None]:
        kept: list[bytes] | None = [] if route.data_capture else None
        size = 0
        try:
            async for part in self._answer.parts():
                yield {"PayloadPart": {"Bytes": part}}
                size += len(part)
                if size > context.settings.max_invocation_bytes:
                    kept = None
                elif kept is not None:
                    kept.append(part)
        except ModelError as error:
            code = "StreamBroken" if error.members["OriginalStatusCode"] else "ModelInvocationTimeExceeded"
            raise ModelStreamError(error.message, ErrorCode=code) from error
        if kept is not None:
            _capture(context, route, members, self._answer, b"".join(kept))


def _check(context: Context, members: Mapping[str, Any]) -> Route:
    """The endpoint's route. Raises ValidationError for a request that it does not take."""
    for name in _ALL_REFUSED.keys() & members.keys():
        if members[name]:
            raise ValidationError(f"local_sagemaker does not support {name}: {_ALL_REFUSED[name]}")
    endpoint_name = members["EndpointName"]
    route = route_in_service(context, endpoint_name)
    limit = context.settings.max_invocation_bytes
    if route.async_inference is not None:
        raise ValidationError(
            f"Endpoint {endpoint_name} of account {context.settings.account_id} is an asynchronous endpoint;"
            " use InvokeEndpointAsync."
        )
    if route.serverless_concurrency is not None:
        limit = min(limit, SERVERLESS_BYTES)
    size = len(members.get("Body", b""))
    if size > limit:
        raise ValidationError(f"The body has {size} bytes; an invocation takes at most {limit}")
    return route


def _call(members: Mapping[str, Any], seconds: float | None = None) -> Call:
    headers = {header: members[name] for name, header in _PASSED_HEADERS.items() if members.get(name) is not None}
    return Call(members["EndpointName"], members.get("TargetVariant"), headers, members.get("Body", b""), seconds)


def _told(answer: Answer) -> dict[str, Any]:
    return {
        "InvokedProductionVariant": answer.variant.name,
        "CustomAttributes": answer.response.headers.get(ATTRIBUTES),
    }


def _capture(context: Context, route: Route, members: Mapping[str, Any], answer: Answer, content: bytes) -> None:
    """Record the invocation when DataCaptureConfig chooses it."""
    config = route.data_capture
    if config is None or context.captures is None or not is_sampled(config, random.random()):  # noqa: S311
        return
    content_type = answer.response.headers.get("Content-Type", "")
    captured = CapturedInvocation(
        str(uuid.uuid4()),
        members.get("InferenceId"),
        members.get("CustomAttributes"),
        clock.now(),
        Observed(members.get("ContentType", ""), members.get("Body", b"")),
        Observed(content_type, content),
    )
    context.captures.put(members["EndpointName"], answer.variant.name, config, captured)
