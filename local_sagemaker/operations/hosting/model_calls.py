"""A call of a model server: one is chosen, waited for while it starts, sent the request, and answers."""

import asyncio
import io
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import NoReturn

import aiohttp

from local_sagemaker.engine.endpoints.routing import (
    Demand,
    NoServer,
    NoSuchVariant,
    Route,
    RoutedServer,
    RoutedVariant,
    TooManyInvocations,
)
from local_sagemaker.errors import ServerlessThrottled, ServiceUnavailable, ValidationError
from local_sagemaker.operations.context import Context
from local_sagemaker.operations.hosting.model_answer import Answer
from local_sagemaker.runtime.serving.logs import log_group
from local_sagemaker.runtime.serving.model_errors import ModelLog, model_error, timed_out
from local_sagemaker.store import deployments
from local_sagemaker.store import endpoints as store
from local_sagemaker.store.endpoints import Endpoint
from model_server.messages import REFUSAL_HEADER, TIMEOUT_HEADER

# How long a request waits for a model server that is being started again.
PATIENCE_SECONDS = 10.0
PATIENCE_POLL_SECONDS = 0.05
# The model server ends an invocation by itself; this is for one that cannot even do that.
TIMEOUT_MARGIN_SECONDS = 5.0
LARGE_BYTES = 2**20  # above it aiohttp writes in pieces, so that others get their turn

# What aiohttp would add by itself: the model sees what the client sent.
_ADDED_HEADERS = ("Content-Type", "Accept", "Accept-Encoding", "User-Agent")


@dataclass(frozen=True)
class Call:
    """What is asked. `seconds` bounds the whole answer; None is the model server's own limit."""

    endpoint_name: str
    target_variant: str | None
    headers: Mapping[str, str]
    body: bytes
    seconds: float | None = None


async def model_answer(context: Context, call: Call) -> Answer:
    """The answer of a model server, to be closed by the caller.

    Raises ModelError for another answer than success, ValidationError, ServerlessThrottled and ServiceUnavailable.
    """
    try:
        demand = context.routes.arrive(call.endpoint_name)
    except TooManyInvocations as error:
        raise ServerlessThrottled(
            f"Endpoint {call.endpoint_name} has {error.args[0]} invocations under way, its MaxConcurrency; try again"
        ) from error
    try:
        answer = await _first_answer(context, call, demand)
    except BaseException:
        context.routes.leave(demand)
        raise
    if not 200 <= answer.response.status < 300:
        try:
            await _refuse(context, call, answer)
        finally:
            answer.close()
    return answer


async def _first_answer(context: Context, call: Call, demand: Demand | None) -> Answer:
    """The beginning of an answer; a model server that was never reached has not had the request."""
    loop = asyncio.get_running_loop()
    seconds = call.seconds or context.settings.invocation_timeout_seconds
    patient_until = None
    while True:
        found = _acquire(context, call)
        if found is not None:
            variant, server = found
            log = ModelLog(call.endpoint_name, server.log_stream, context.region, context.settings.account_id)
            deadline = loop.time() + seconds
            try:
                response = await _send(context, call, server.url, log, seconds)
            except aiohttp.ClientConnectorError:
                context.routes.release(server)
                context.wake_engine.set()
            except BaseException:
                context.routes.release(server)
                raise
            else:
                held = (context.routes, server, demand)
                return Answer(response, variant, log, seconds=seconds, deadline=deadline, held=held)
        if patient_until is None:
            patient_until = loop.time() + _patience(context, call.endpoint_name)
        elif loop.time() > patient_until:
            raise ServiceUnavailable(
                f"No model server of endpoint {call.endpoint_name} answers at present; it is being started again. Try"
                f" again in some seconds, and see the log group {log_group(call.endpoint_name)} for why it ended."
            )
        await asyncio.sleep(PATIENCE_POLL_SECONDS)


def route_in_service(context: Context, endpoint_name: str) -> Route:
    """The endpoint's route, without variants before it is published after a start. Raises ValidationError."""
    route = context.routes.route(endpoint_name)
    if route is None:
        endpoint = _check_in_service(context, endpoint_name)
        deployment = deployments.find(context.database, endpoint.active_id or "")
        if deployment is None:
            raise ValidationError(f"Endpoint {endpoint_name} of account {context.settings.account_id} not found.")
        route = Route((), deployment.id, deployment.async_inference, deployment.data_capture)
    return route


def _patience(context: Context, endpoint_name: str) -> float:
    route = context.routes.route(endpoint_name)
    cold = route is not None and route.serverless_concurrency is not None
    return max(PATIENCE_SECONDS, context.settings.startup_timeout_seconds) if cold else PATIENCE_SECONDS


def _acquire(context: Context, call: Call) -> tuple[RoutedVariant, RoutedServer] | None:
    """A model server of the endpoint; None while an endpoint in service has none."""
    try:
        found = context.routes.acquire(call.endpoint_name, call.target_variant)
    except NoSuchVariant as error:
        raise ValidationError(f"Variant {call.target_variant} of endpoint {call.endpoint_name} not found.") from error
    except NoServer:
        found = None
    if found is None:
        _check_in_service(context, call.endpoint_name)
    return found


def _check_in_service(context: Context, endpoint_name: str) -> Endpoint:
    endpoint = store.find(context.database, endpoint_name)
    if endpoint is None or endpoint.name != endpoint_name:  # the case of the name must match here, as on AWS
        raise ValidationError(f"Endpoint {endpoint_name} of account {context.settings.account_id} not found.")
    if endpoint.status not in {"InService", "Updating", "RollingBack"}:
        reason = f": {endpoint.failure_reason}" if endpoint.failure_reason else ""
        raise ValidationError(
            f"Endpoint {endpoint_name} of account {context.settings.account_id} is not in service;"
            f" its status is {endpoint.status}{reason}"
        )
    return endpoint


async def _send(context: Context, call: Call, url: str, log: ModelLog, seconds: float) -> aiohttp.ClientResponse:
    """The beginning of the answer. Raises ClientConnectorError when the model server was not reached.

    A request that was written to a connection is never sent again, also when the connection broke before a byte of
    the answer: the model may have begun, and one that ends its server would end the next one too, again and again.
    """
    try:
        return await context.http.post(
            url,
            data=call.body if len(call.body) <= LARGE_BYTES else io.BytesIO(call.body),
            headers={**call.headers, TIMEOUT_HEADER: str(call.seconds)} if call.seconds else call.headers,
            skip_auto_headers=_ADDED_HEADERS,
            timeout=_timeout(seconds + TIMEOUT_MARGIN_SECONDS),
            allow_redirects=False,
        )
    except TimeoutError:
        raise timed_out(log, seconds) from None
    except aiohttp.ClientConnectorError:
        raise
    except aiohttp.ClientError as error:
        context.wake_engine.set()
        message = f"The model server ended before it answered ({type(error).__name__})."
        raise model_error(log, 500, message) from error


@lru_cache
def _timeout(seconds: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=seconds)


async def _refuse(context: Context, call: Call, answer: Answer) -> NoReturn:
    """Raise what AWS answers when the model did not answer with success."""
    refusal = answer.response.headers.get(REFUSAL_HEADER)
    if refusal is None:
        content = await answer.read(context.settings.max_invocation_bytes)
        raise model_error(answer.log, answer.response.status, content.decode("utf-8", "replace"))
    if refusal == "queue-full":
        raise ServiceUnavailable(
            f"The model server of endpoint {call.endpoint_name} is busy and its queue is full. Try again later, send"
            " fewer requests at once, or give the variant more instances.",
            answer.response.headers.get("Retry-After"),
        )
    if refusal == "no-worker":
        raise ServiceUnavailable(
            f"The model server of endpoint {call.endpoint_name} ends because it cannot load its model any more; it is"
            f" started again. See the log group {log_group(call.endpoint_name)} for the reason."
        )
    raise timed_out(answer.log, answer.seconds)
