"""InvokeEndpoint without blocking: one pool of aiohttp's connections, signed with a key that is derived once a day.

boto3 in a thread pool costs several times the CPU of this for every prediction.
"""

import asyncio
import io
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, Protocol

import aiohttp

from service import request_id
from service.aws import runtime_errors
from service.aws.errors import problems
from service.aws.runtime_clock import SigningClock
from service.aws.runtime_hedging import hedged
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
CONNECT_SECONDS = 5.0
KEEP_ALIVE_SECONDS = 30.0
MAX_CONNECTIONS = 256
LARGE_BODY_BYTES = 2**20  # above it a digest, and a write without a file, would hold the event loop
LASTING = (aiohttp.ClientSSLError, aiohttp.ClientConnectorCertificateError, aiohttp.ServerFingerprintMismatch)


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
    url: str
    body: bytes
    body_digest: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Answer:
    """`sign` and `wait` are the seconds before anything was sent."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    sign: float
    wait: float


@dataclass(frozen=True)
class _Way:
    """What is found once, at the first invocation."""

    address: "RuntimeAddress"
    credentials: "LiveCredentials"
    signer: Signer


class Runtime:
    """The client of SageMaker Runtime. Safe for any number of concurrent invocations in one event loop."""

    def __init__(self, settings: Settings, session: aiohttp.ClientSession) -> None:
        self._settings = settings
        self._session = session
        self._clock = SigningClock()
        self._connections = asyncio.Semaphore(MAX_CONNECTIONS)
        self._way: _Way | None = None
        self._finding = asyncio.Lock()

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: Settings) -> AsyncIterator["Runtime"]:
        """Open the connection pool. Nothing is connected, and no credentials are looked for, before the first call."""
        async with aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_ALIVE_SECONDS),  # counted by the semaphore
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS),
            skip_auto_headers=("Accept-Encoding", "User-Agent"),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
        ) as session:
            runtime = cls(settings, session)
            try:
                yield runtime
            finally:
                if runtime._way is not None:
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
    ) -> _Answer:
        """Send until there is an answer that is no passing trouble, or no time for another attempt."""
        way = self._way or await self._found()
        began = time.perf_counter()
        digest = sha256(body) if len(body) <= LARGE_BODY_BYTES else await asyncio.to_thread(sha256, body)
        request = _Request(way.address.invocation_url(endpoint), body, digest.hexdigest(), headers)
        stages.sign += time.perf_counter() - began
        attempt, clock_is_right = 1, False
        while True:
            try:
                answer = await self._attempt(way, request, stages)
            except aiohttp.ClientError as error:
                passing = isinstance(error, (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError))
                pause = None
                if passing and not isinstance(error, LASTING):
                    pause = pause_seconds(attempt, Failure(), _left(deadline))
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

    async def _attempt(self, way: _Way, request: _Request, stages: Stages) -> _Answer:
        """One attempt, or with hedging two beside each other."""
        hedge_seconds = self._settings.hedge_seconds
        send = partial(self._send, way, request)
        began = time.perf_counter()
        before = 0.0
        try:
            answer = await (send() if hedge_seconds is None else hedged(send, hedge_seconds, _is_prediction))
            before = answer.sign + answer.wait
            stages.sign += answer.sign
            stages.wait += answer.wait
        finally:
            stages.model += time.perf_counter() - began - before
        return answer

    async def _send(self, way: _Way, request: _Request) -> _Answer:
        began = time.perf_counter()
        with problems():
            credentials = await way.credentials.current()
        headers = way.signer.signed(request.url, request.body_digest, request.headers, credentials, self._clock.now())
        signed = time.perf_counter()
        async with self._connections:
            connected = time.perf_counter()
            # BytesIO shares the bytes.
            data = request.body if len(request.body) <= LARGE_BODY_BYTES else io.BytesIO(request.body)
            async with self._session.post(
                request.url,
                data=data,
                headers=headers,
                allow_redirects=False,
                proxy=way.address.proxy,
                ssl=way.address.tls or True,
            ) as response:
                body = await response.read()
        return _Answer(response.status, response.headers, body, sign=signed - began, wait=connected - signed)

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
    return _Way(address, LiveCredentials(address.credentials), Signer(address.region, SIGNING_NAME))


def _is_prediction(answer: _Answer) -> bool:
    return answer.status == 200


def _left(deadline: float) -> float:
    return deadline - asyncio.get_running_loop().time()


def _unreachable(url: str, error: aiohttp.ClientError) -> AwsUnavailable:
    return AwsUnavailable(
        f"SageMaker Runtime at {url} cannot be reached: {error}",
        "Check AWS_ENDPOINT_URL and the network; GET /readyz tells whether AWS answers.",
    )
