"""The ASGI application: reads requests, puts them into the queue, waits for answers and sends them."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from model_server.access_log import CLIENT_LEFT, AccessLog
from model_server.dispatcher import Dispatcher
from model_server.messages import INFERENCE_ID_HEADER, JSON, REFUSAL_HEADER, TIMEOUT_HEADER, Answer, problem
from model_server.part_stream import PartsBroken, PartStream
from model_server.request import Request

_FRAMING = ("content-length", "transfer-encoding", "connection")

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class ClientLeft(Exception):
    """The client has closed its connection."""


class NoRoom(Exception):
    """The queue, or what bodies may hold of memory, is full."""


class Front:
    """GET /ping and POST /invocations."""

    def __init__(self, dispatcher: Dispatcher, timeout_seconds: float, log: AccessLog | None) -> None:
        self._dispatcher = dispatcher
        self._timeout_seconds = timeout_seconds
        self._log = log

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request."""
        route = (scope["method"], scope["path"])
        if route == ("POST", "/invocations"):
            headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
            await self._invocation(headers, receive, send)
        elif route == ("GET", "/ping"):
            await _send(send, self._ping())
        else:
            await _send(send, problem(404, "NotFound", f"there is GET /ping and POST /invocations, no {route[1]}"))

    def _ping(self) -> Answer:
        if self._dispatcher.workers:
            return Answer(b"", headers={"content-type": JSON})
        return problem(503, "NotReady", "no worker has loaded the model")

    async def _invocation(self, headers: dict[str, str], receive: Receive, send: Send) -> None:
        loop = asyncio.get_running_loop()
        seconds = _seconds(headers.pop(TIMEOUT_HEADER, None), self._timeout_seconds)
        if seconds is None:
            await _send(send, problem(400, "BadTimeout", f"{TIMEOUT_HEADER} takes a number of seconds above 0"))
            return
        arrived = loop.time()
        request = Request(headers, (), 0, arrived, arrived, loop.create_future())
        status = CLIENT_LEFT
        try:
            await self._read(request, receive)
            request.arrived = loop.time()
            request.deadline = request.arrived + seconds
            status = await self._answer(request, seconds, receive, send)
        except NoRoom:
            refused = self._no_room()
            status = refused.status
            await _send(send, refused)
        except ClientLeft:
            pass
        finally:
            self._dispatcher.queue.let_go(request.body_bytes)
            ended = loop.time()
            if request.started is not None:
                self._dispatcher.service_time.add(ended - request.started)
            if self._log is not None:
                self._log.write(request, headers.get(INFERENCE_ID_HEADER), status, ended)

    async def _read(self, request: Request, receive: Receive) -> None:
        """Read the body. Raises ClientLeft and NoRoom."""
        parts: list[bytes] = []
        request.parts = parts
        queue = self._dispatcher.queue
        while not queue.full:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientLeft
            part = message.get("body", b"")
            if not queue.hold(len(part), request.body_bytes):
                raise NoRoom
            request.body_bytes += len(part)
            parts.append(part)
            if not message.get("more_body"):
                break
        if queue.full:
            raise NoRoom

    async def _answer(self, request: Request, seconds: float, receive: Receive, send: Send) -> int:
        """Have the request answered and send the answer; its status, or CLIENT_LEFT."""
        loop = asyncio.get_running_loop()
        self._dispatcher.submit(request)
        timer = loop.call_at(request.deadline, self._dispatcher.expire, request, seconds)
        # A request that waits need not be run when its client leaves; one that runs cannot be stopped.
        leaving = self._watch_client(request, receive) if request.worker is None else None
        try:
            answer = await request.answered
            timer.cancel()
            if request.stream is None:
                await _send(send, answer)
                return answer.status
            leaving = leaving or self._watch_client(request, receive)
            return await self._send_parts(answer, request.stream, request, leaving, send)
        except asyncio.CancelledError:
            if leaving is not None and leaving.done():  # the future was cancelled, not this task
                return CLIENT_LEFT
            raise
        finally:
            timer.cancel()
            if leaving is not None:
                leaving.cancel()

    def _watch_client(self, request: Request, receive: Receive) -> "asyncio.Future[Any]":
        leaving = asyncio.ensure_future(receive())
        leaving.add_done_callback(lambda left: None if left.cancelled() else self._client_left(request))
        return leaving

    def _client_left(self, request: Request) -> None:
        if self._dispatcher.withdraw(request):
            request.answered.cancel()

    async def _send_parts(
        self, answer: Answer, parts: PartStream, request: Request, leaving: "asyncio.Future[Any]", send: Send
    ) -> int:
        """Send the parts as they come."""
        try:
            async with asyncio.timeout_at(request.deadline):
                await send({"type": "http.response.start", "status": answer.status, "headers": _encoded(answer, None)})
                async for part in parts:
                    if leaving.done():
                        return CLIENT_LEFT
                    await send({"type": "http.response.body", "body": part, "more_body": True})
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        except (TimeoutError, PartsBroken):
            pass  # an answer without its end: the connection is closed, which says so
        finally:
            if parts.close():
                self._dispatcher.abandon(request)
        return answer.status

    def _no_room(self) -> Answer:
        waiting, retry_after = len(self._dispatcher.queue), self._dispatcher.retry_after()
        message = f"{waiting} requests wait already, as many as fit; try again in {retry_after} s"
        headers = {REFUSAL_HEADER: "queue-full", "retry-after": str(retry_after)}
        return problem(503, "QueueFull", message, **headers)


def _seconds(header: str | None, default: float) -> float | None:
    """The header's seconds; None where it has none."""
    if header is None:
        return default
    try:
        seconds = float(header)
    except ValueError:
        return None
    return seconds if 0 < seconds < float("inf") else None


async def _send(send: Send, answer: Answer) -> None:
    body = answer.body if isinstance(answer.body, bytes) else b""
    await send({"type": "http.response.start", "status": answer.status, "headers": _encoded(answer, len(body))})
    await send({"type": "http.response.body", "body": body})


def _encoded(answer: Answer, length: int | None) -> list[tuple[bytes, bytes]]:
    """The answer's headers; how long it is, is not the model's to say."""
    headers: Mapping[str, str] = answer.headers
    found = [
        (name.encode("latin-1"), value.encode("latin-1", "replace"))
        for name, value in headers.items()
        if name not in _FRAMING
    ]
    if length is not None:
        found.append((b"content-length", str(length).encode()))
    return found
