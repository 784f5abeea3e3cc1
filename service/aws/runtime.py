"""InvokeEndpoint without blocking: aiohttp's connection pool and botocore's signer.

boto3 in a thread pool costs about four times the CPU of this for every prediction.
"""

import asyncio
import io
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import aiohttp

from service.aws import runtime_errors
from service.aws.errors import problems
from service.errors import AwsUnavailable, PredictionTimeout
from service.settings import Settings

if TYPE_CHECKING:
    from service.aws.runtime_address import RuntimeAddress

CONNECT_SECONDS = 5.0
KEEP_ALIVE_SECONDS = 30.0
MAX_CONNECTIONS = 256
BACKOFF_SECONDS = (0.1, 0.4)  # one entry a retry
LARGE_BODY_BYTES = 2**20  # above it aiohttp wants a file, so that a write does not hold the event loop


@dataclass(frozen=True)
class Invocation:
    """The model's answer: its bytes, their content type, and the production variant that gave it."""

    body: bytes
    content_type: str
    variant: str | None


@dataclass(frozen=True)
class _Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes


class Runtime:
    """The client of SageMaker Runtime. Safe for any number of concurrent invocations in one event loop."""

    def __init__(self, settings: Settings, session: aiohttp.ClientSession) -> None:
        self._settings = settings
        self._session = session
        self._address: RuntimeAddress | None = None
        self._resolving = asyncio.Lock()

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: Settings) -> AsyncIterator["Runtime"]:
        """Open the connection pool. Nothing is connected, and no credentials are looked for, before the first call."""
        connector = aiohttp.TCPConnector(limit=MAX_CONNECTIONS, keepalive_timeout=KEEP_ALIVE_SECONDS)
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS)
        async with aiohttp.ClientSession(connector=connector, timeout=timeout, auto_decompress=False) as session:
            yield cls(settings, session)

    async def invoke(self, endpoint: str, body: bytes, content_type: str, accept: str) -> Invocation:
        """Ask the endpoint's model. `body` is sent as it is.

        Raises EndpointNotFound, EndpointNotInService, NotAnImage, UnreadableImage, PayloadTooLarge, ModelFailed,
        Throttled, AccessDenied, AwsUnavailable, PredictionTimeout. A refused or broken connection and a 503 are tried
        again within the deadline; a prediction changes nothing, so it may be asked twice.
        """
        deadline_seconds = self._settings.predict_timeout_seconds
        try:
            async with asyncio.timeout(deadline_seconds):
                answer = await self._ask(endpoint, body, {"Content-Type": content_type, "Accept": accept})
        except TimeoutError:
            raise PredictionTimeout(
                f"The endpoint {endpoint!r} gave no answer within {deadline_seconds:g} s.",
                "Try again; if it stays, the model is too slow for its instance type, or the endpoint is overloaded.",
            ) from None
        if answer.status != 200:
            raise runtime_errors.problem_of(endpoint, answer.status, answer.headers, answer.body)
        return Invocation(
            body=answer.body,
            content_type=answer.headers.get("Content-Type", "application/octet-stream"),
            variant=answer.headers.get("x-Amzn-Invoked-Production-Variant"),
        )

    async def _ask(self, endpoint: str, body: bytes, headers: Mapping[str, str]) -> _Answer:
        """Send until there is an answer that is no passing trouble."""
        address = await self._resolved()
        for backoff_seconds in BACKOFF_SECONDS:
            try:
                answer = await self._send(address, endpoint, body, headers)
            except aiohttp.ClientError:
                pass  # tried again; the last attempt below tells about it
            else:
                if answer.status != 503:
                    return answer
            await asyncio.sleep(backoff_seconds)
        try:
            return await self._send(address, endpoint, body, headers)
        except aiohttp.ClientError as error:
            raise AwsUnavailable(
                f"SageMaker Runtime at {address.url} cannot be reached: {error}",
                "Check AWS_ENDPOINT_URL and the network; GET /readyz tells whether AWS answers.",
            ) from error

    async def _send(self, address: "RuntimeAddress", endpoint: str, body: bytes, headers: Mapping[str, str]) -> _Answer:
        url = address.invocation_url(endpoint)
        with problems():
            if address.refresh_is_due:
                credentials = await asyncio.to_thread(address.freeze_credentials)
            else:
                credentials = address.freeze_credentials()
        async with self._session.post(
            url,
            data=body if len(body) <= LARGE_BODY_BYTES else io.BytesIO(body),  # BytesIO shares the bytes
            headers=address.signed(credentials, url, body, headers),
            skip_auto_headers=("Accept-Encoding", "User-Agent"),
            allow_redirects=False,
            proxy=address.proxy,
            ssl=address.tls or True,
        ) as response:
            return _Answer(response.status, response.headers, await response.read())

    async def _resolved(self) -> "RuntimeAddress":
        async with self._resolving:
            if self._address is None:
                with problems():
                    self._address = await asyncio.to_thread(_resolve, self._settings.region)
            return self._address


def _resolve(region: str) -> "RuntimeAddress":
    # botocore takes half a second to import: not before the first prediction, and not in the event loop.
    from service.aws.runtime_address import resolve  # noqa: PLC0415

    return resolve(region)
