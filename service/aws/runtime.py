"""InvokeEndpoint without blocking: one pool of connections, signed with a key that is derived once a day.

boto3 in a thread pool costs several times the CPU of this for every prediction.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, Protocol

from service import request_id
from service.aws import runtime_errors
from service.aws.errors import problems
from service.aws.runtime_clock import SigningClock
from service.aws.runtime_connection import ConnectionFailed
from service.aws.runtime_destination import Destination, NoSuchProxy, destination_of
from service.aws.runtime_dial import dial
from service.aws.runtime_hedging import hedged
from service.aws.runtime_message import Answer, request_head
from service.aws.runtime_pool import ConnectionPool
from service.aws.runtime_retries import Failure, pause_seconds
from service.aws.runtime_signature import Signer
from service.errors import AwsUnavailable, PredictionTimeout
from service.observability.propagation import outgoing_headers
from service.settings import Settings

if TYPE_CHECKING:
    from service.aws.runtime_address import RuntimeAddress
    from service.aws.runtime_credentials import LiveCredentials

SIGNING_NAME = "sagemaker"
INFERENCE_ID = "X-Amzn-SageMaker-Inference-Id"  # reaches the endpoint's log
LARGE_BODY_BYTES = 2**20  # above it a digest would hold the event loop


class Stages(Protocol):
    """Seconds that an invocation adds to: signing, waiting for a connection or the next attempt, and the model."""

    sign: float
    wait: float
    model: float


@dataclass(frozen=True)
class Invocation:
    """The model's answer: its bytes, their content type, and the production variant that gave it."""

    body: bytes
    content_type: str
    variant: str | None


@dataclass(frozen=True, slots=True)
class _Request:
    path: str
    body: bytes
    body_digest: str
    headers: Mapping[str, str]


@dataclass(slots=True)
class _Sent:
    """A request's answer; `sign` and `wait` are the seconds before it was sent."""

    answer: Answer
    sign: float
    wait: float


@dataclass(frozen=True, slots=True)
class _Way:
    """What is found once, at the first invocation."""

    address: "RuntimeAddress"
    credentials: "LiveCredentials"
    signer: Signer
    destination: Destination
    connections: ConnectionPool


class Runtime:
    """The client of SageMaker Runtime. Safe for any number of concurrent invocations in one event loop."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._clock = SigningClock()
        self._way: _Way | None = None
        self._finding = asyncio.Lock()

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: Settings) -> AsyncIterator["Runtime"]:
        """A client. Nothing is connected, and no credentials are looked for, before the first call."""
        runtime = cls(settings)
        try:
            yield runtime
        finally:
            if runtime._way is not None:
                await runtime._way.connections.close()
                await runtime._way.credentials.close()

    async def invoke(
        self, endpoint: str, body: bytes, content_type: str, accept: str, stages: Stages | None = None
    ) -> Invocation:
        """Ask the endpoint's model. `body` is sent as it is; where the time went is added to `stages`.

        Raises EndpointNotFound, EndpointNotInService, NotAnImage, UnreadableImage, PayloadTooLarge, ModelFailed,
        Throttled, AccessDenied, AwsUnavailable, PredictionTimeout. What passes (service.aws.runtime_retries) is tried
        again within the deadline; a prediction changes nothing, so it may be asked more than once.
        """
        seconds = self._settings.predict_timeout_seconds
        deadline = asyncio.get_running_loop().time() + seconds
        headers = {"Content-Type": content_type, "Accept": accept}
        if (inference_id := request_id.current.get()) is not None:
            headers[INFERENCE_ID] = inference_id
        headers |= outgoing_headers()
        try:
            async with asyncio.timeout_at(deadline):
                answer = await self._ask(endpoint, body, headers, deadline, stages or _Unread())
        except TimeoutError:
            raise PredictionTimeout(
                f"The endpoint {endpoint!r} gave no answer within {seconds:g} s.",
                "Try again; if it stays, the model is too slow for its instance type, or the endpoint is overloaded.",
            ) from None
        if answer.status != 200:
            raise runtime_errors.problem_of(endpoint, answer.status, answer.headers, answer.body)
        return Invocation(
            body=answer.body,
            content_type=answer.headers.get("Content-Type", "application/octet-stream"),
            variant=answer.headers.get("x-Amzn-Invoked-Production-Variant"),
        )

    async def _ask(
        self, endpoint: str, body: bytes, headers: Mapping[str, str], deadline: float, stages: Stages
    ) -> Answer:
        """Send until there is an answer that is no passing trouble, or no time for another attempt."""
        way = self._way or await self._found()
        began = time.perf_counter()
        digest = sha256(body) if len(body) <= LARGE_BODY_BYTES else await asyncio.to_thread(sha256, body)
        request = _Request(f"/endpoints/{endpoint}/invocations", body, digest.hexdigest(), headers)
        stages.sign += time.perf_counter() - began
        attempt, clock_is_right = 1, False
        while True:
            try:
                answer = await self._attempt(way, request, stages)
            except ConnectionFailed as error:
                pause = None if error.lasting else pause_seconds(attempt, Failure(), _left(deadline))
                if pause is None:
                    raise _unreachable(way.address.url, error) from error
            else:
                if answer.status == 200:
                    return answer
                failure = runtime_errors.failure_of(answer.status, answer.headers, answer.body, self._clock.now())
                if not clock_is_right and self._clock.corrected(failure.code, answer.headers.get("Date")):
                    clock_is_right = True
                    continue
                pause = pause_seconds(attempt, failure, _left(deadline))
                if pause is None:
                    return answer
            attempt += 1
            await asyncio.sleep(pause)
            stages.wait += pause

    async def _attempt(self, way: _Way, request: _Request, stages: Stages) -> Answer:
        """One attempt, or with hedging two beside each other."""
        hedge_seconds = self._settings.hedge_seconds
        began = time.perf_counter()
        before = 0.0
        try:
            if hedge_seconds is None:
                sent = await self._send(way, request)
            else:
                sent = await hedged(partial(self._send, way, request), hedge_seconds, _is_prediction)
            before = sent.sign + sent.wait
            stages.sign += sent.sign
            stages.wait += sent.wait
        finally:
            stages.model += time.perf_counter() - began - before
        return sent.answer

    async def _send(self, way: _Way, request: _Request) -> _Sent:
        began = time.perf_counter()
        with problems():
            credentials = await way.credentials.current()
        url = way.address.url + request.path
        headers = way.signer.signed(url, request.body_digest, request.headers, credentials, self._clock.now())
        target = way.destination.target_prefix + request.path
        head = request_head(target, way.destination.head_lines, headers, len(request.body))
        signed = time.perf_counter()
        connection = await way.connections.take()
        connected = time.perf_counter()
        try:
            answer = await connection.exchange(head, request.body)
        finally:
            way.connections.give_back(connection)
        return _Sent(answer, sign=signed - began, wait=connected - signed)

    async def _found(self) -> _Way:
        async with self._finding:
            if self._way is None:
                with problems():
                    self._way = await asyncio.to_thread(_find, self._settings.region)
            return self._way


class _Unread:
    """Stages that nobody asked for."""

    sign = wait = model = 0.0


def _find(region: str) -> _Way:
    # botocore takes half a second to import: not before the first prediction, and not in the event loop.
    from service.aws.runtime_address import resolve  # noqa: PLC0415
    from service.aws.runtime_credentials import LiveCredentials  # noqa: PLC0415

    address = resolve(region)
    try:
        destination = destination_of(address.url, address.proxy)
    except NoSuchProxy as error:
        raise _unreachable(address.url, error) from error
    signer = Signer(address.region, SIGNING_NAME)
    connections = ConnectionPool(partial(dial, destination, address.tls))
    return _Way(address, LiveCredentials(address.credentials), signer, destination, connections)


def _is_prediction(sent: _Sent) -> bool:
    return sent.answer.status == 200


def _left(deadline: float) -> float:
    return deadline - asyncio.get_running_loop().time()


def _unreachable(url: str, error: Exception) -> AwsUnavailable:
    return AwsUnavailable(
        f"SageMaker Runtime at {url} cannot be reached: {error}",
        "Check AWS_ENDPOINT_URL and the network; GET /readyz tells whether AWS answers.",
    )
