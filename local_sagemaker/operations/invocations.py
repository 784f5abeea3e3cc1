"""InvokeEndpoint: from the client to a model server and back, with nothing written on the way."""

import asyncio
import io
from typing import Any

import aiohttp

from local_sagemaker.engine.routing import NoServer, NoSuchVariant, RoutedServer, RoutedVariant
from local_sagemaker.errors import ModelError, ServiceUnavailable, ValidationError
from local_sagemaker.operations.context import Context
from local_sagemaker.runtime.serving_folder import REFUSAL_HEADER
from local_sagemaker.runtime.serving_logs import log_group
from local_sagemaker.store import endpoints as store

# How long a request waits for a model server that is being started again.
PATIENCE_SECONDS = 10.0
PATIENCE_POLL_SECONDS = 0.05
# The model server ends an invocation by itself; this is for one that cannot even do that.
TIMEOUT_MARGIN_SECONDS = 5.0
LARGE_BYTES = 2**20  # above it aiohttp writes in pieces, so that others get their turn

_ATTRIBUTES = "X-Amzn-SageMaker-Custom-Attributes"
_NO_MODEL_OF_ITS_OWN = {
    "TargetModel": "an endpoint serves one model; name another endpoint",
    "TargetContainerHostname": "a model has one container; leave it out",
    "InferenceComponentName": "endpoints have variants here; use TargetVariant",
    "EnableExplanations": "leave it out",
    "SessionId": "leave it out",
    "PrefixAwareId": "leave it out",
}
_PASSED_HEADERS = {
    "ContentType": "Content-Type",
    "Accept": "Accept",
    "CustomAttributes": _ATTRIBUTES,
    "InferenceId": "X-Amzn-SageMaker-Inference-Id",
}
# What aiohttp would add by itself: the model sees what the client sent.
_ADDED_HEADERS = ("Content-Type", "Accept", "Accept-Encoding", "User-Agent")


async def invoke_endpoint(context: Context, members: dict[str, Any]) -> dict[str, Any]:
    """Pass the body to a model server, as it is, and its answer back."""
    for name, what_to_do in _NO_MODEL_OF_ITS_OWN.items():
        if members.get(name):
            raise ValidationError(f"local_sagemaker does not support {name}: {what_to_do}")
    endpoint_name, body = members["EndpointName"], members.get("Body", b"")
    limit = context.settings.max_invocation_bytes
    if len(body) > limit:
        raise ValidationError(f"The body has {len(body)} bytes; an invocation takes at most {limit}")
    headers = {header: members[name] for name, header in _PASSED_HEADERS.items() if members.get(name) is not None}
    variant, server, (status, answered, content) = await _answered(
        context, endpoint_name, members.get("TargetVariant"), headers, body
    )
    if not 200 <= status < 300:
        raise _model_error(context, endpoint_name, server, status, content.decode("utf-8", "replace"))
    return {
        "Body": content,
        "ContentType": answered.get("Content-Type"),
        "InvokedProductionVariant": variant.name,
        "CustomAttributes": answered.get(_ATTRIBUTES),
    }


async def _answered(
    context: Context, endpoint_name: str, target: str | None, headers: dict[str, str], body: bytes
) -> tuple[RoutedVariant, RoutedServer, tuple[int, Any, bytes]]:
    """The first answer of a model server; one that was never reached has not had the request."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + PATIENCE_SECONDS
    while True:
        found = _acquire(context, endpoint_name, target)
        if found is not None:
            variant, server = found
            try:
                return variant, server, await _post(context, endpoint_name, server, headers, body)
            except aiohttp.ClientConnectorError:
                context.wake_engine.set()
            finally:
                context.routes.release(server)
        if loop.time() > deadline:
            raise ServiceUnavailable(
                f"No model server of endpoint {endpoint_name} answers at present; it is being started again. Try again"
                f" in some seconds, and see the log group {log_group(endpoint_name)} for why it ended."
            )
        await asyncio.sleep(PATIENCE_POLL_SECONDS)


def _acquire(context: Context, endpoint_name: str, target: str | None) -> tuple[RoutedVariant, RoutedServer] | None:
    """A model server of the endpoint; None while an endpoint in service has none."""
    try:
        found = context.routes.acquire(endpoint_name, target)
    except NoSuchVariant as error:
        raise ValidationError(f"Variant {target} of endpoint {endpoint_name} not found.") from error
    except NoServer:
        found = None
    if found is None:
        _check_in_service(context, endpoint_name)
    return found


def _check_in_service(context: Context, endpoint_name: str) -> None:
    endpoint = store.find(context.database, endpoint_name)
    if endpoint is None or endpoint.name != endpoint_name:  # the case of the name must match here, as on AWS
        raise ValidationError(f"Endpoint {endpoint_name} of account {context.settings.account_id} not found.")
    if endpoint.status not in {"InService", "Updating"}:
        reason = f": {endpoint.failure_reason}" if endpoint.failure_reason else ""
        raise ValidationError(
            f"Endpoint {endpoint_name} of account {context.settings.account_id} is not in service;"
            f" its status is {endpoint.status}{reason}"
        )


async def _post(
    context: Context, endpoint_name: str, server: RoutedServer, headers: dict[str, str], body: bytes
) -> tuple[int, Any, bytes]:
    """Status, headers and body of the model's answer. Raises ClientConnectorError when it was not reached."""
    seconds = context.settings.invocation_timeout_seconds
    timeout = aiohttp.ClientTimeout(total=seconds + TIMEOUT_MARGIN_SECONDS)
    try:
        async with context.http.post(
            server.url,
            data=body if len(body) <= LARGE_BYTES else io.BytesIO(body),
            headers=headers,
            skip_auto_headers=_ADDED_HEADERS,
            timeout=timeout,
            allow_redirects=False,
        ) as response:
            content = await response.read()
    except TimeoutError:
        raise _timed_out(context, endpoint_name, server) from None
    except aiohttp.ClientConnectorError:
        raise
    except aiohttp.ClientError as error:
        context.wake_engine.set()
        message = f"The model server ended before it answered ({type(error).__name__})."
        raise _model_error(context, endpoint_name, server, 500, message) from error
    match response.headers.get(REFUSAL_HEADER):
        case None:
            return response.status, response.headers, content
        case "timeout":
            raise _timed_out(context, endpoint_name, server)
        case _:
            raise ServiceUnavailable(
                f"The model server of endpoint {endpoint_name} is busy and its queue is full. Try again later, send"
                " fewer requests at once, or give the variant more instances."
            )


def _timed_out(context: Context, endpoint_name: str, server: RoutedServer) -> ModelError:
    message = (
        "Your invocation timed out while waiting for a response from container primary."
        f" The model may take {context.settings.invocation_timeout_seconds:g} seconds."
        f" Review the log group {log_group(endpoint_name)}, resolve the issue, and try again."
    )
    return _model_error(context, endpoint_name, server, 0, message)


def _model_error(context: Context, endpoint_name: str, server: RoutedServer, status: int, message: str) -> ModelError:
    """AWS's error for whatever the model answered but success."""
    side = "client" if 400 <= status < 500 else "server"
    group, account = log_group(endpoint_name), context.settings.account_id
    console = f"https://{context.region}.console.aws.amazon.com/cloudwatch/home?region={context.region}"
    return ModelError(
        f'Received {side} error ({status}) from primary with message "{message}".'
        f" See {console}#logEventViewer:group={group} in account {account} for more information.",
        OriginalStatusCode=status,
        OriginalMessage=message,
        LogStreamArn=f"arn:aws:logs:{context.region}:{account}:log-group:{group}:log-stream:{server.log_stream}",
    )
