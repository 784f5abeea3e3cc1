"""One request's way over an HTTP connection that others will follow on.

A request may be answered before its body was read (a refusal). What is left of the body would then be taken for the
next request, or, when the connection is closed at once, would destroy the answer on its way. So a rest of bounded size
is read first; behind a larger one the connection is closed, but only after reading on for a while.
"""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Scope = MutableMapping[str, Any]

DRAIN_BYTES = 16 * 1024 * 1024
LINGER_BYTES = 1024 * 1024 * 1024
LINGER_SECONDS = 5.0


class BodyTooLarge(Exception):
    """The body is larger than its limit; `limit_bytes`."""

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(f"the body is larger than {limit_bytes} bytes")
        self.limit_bytes = limit_bytes


class Disconnected(Exception):
    """The client went away before its request was complete."""


class Connection:
    """`receive` and `send` of one request, to be used in place of the server's."""

    def __init__(self, headers: dict[str, str], receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        length = headers.get("content-length", "")
        self.content_length = int(length) if length.isdecimal() else None
        self._expects_continue = headers.get("expect", "").lower() == "100-continue"
        self._body_ended = not self.content_length and "transfer-encoding" not in headers
        self._started_reading = False
        self._lingers = False

    async def receive(self) -> Message:
        """The next part of the body."""
        self._started_reading = True
        message = await self._receive()
        if message["type"] != "http.request" or not message.get("more_body", False):
            self._body_ended = True
        return message

    async def read(self, limit_bytes: int) -> bytes:
        """The whole body. Raises BodyTooLarge (before reading where the length is declared) and Disconnected."""
        if self.content_length is not None and self.content_length > limit_bytes:
            raise BodyTooLarge(limit_bytes)
        if self._body_ended:
            return b""
        parts: list[bytes] = []
        size = 0
        while True:
            message = await self.receive()
            if message["type"] != "http.request":
                raise Disconnected
            part = message.get("body", b"")
            size += len(part)
            if size > limit_bytes:
                raise BodyTooLarge(limit_bytes)
            parts.append(part)
            if not message.get("more_body", False):
                return parts[0] if len(parts) == 1 else b"".join(parts)

    async def gone(self) -> None:
        """Return when the client has gone away; to be awaited once the body was read."""
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def send(self, message: Message) -> None:
        """Send a part of the answer, having dealt with what is left of the request."""
        if message["type"] == "http.response.start" and not self._body_ended:
            await self._settle(message)
        if self._lingers and message["type"] == "http.response.body" and not message.get("more_body", False):
            await self._send({**message, "more_body": True})
            await self._linger()
            message = {"type": "http.response.body", "body": b"", "more_body": False}
        await self._send(message)

    async def _settle(self, start: Message) -> None:
        if self.content_length is None or self.content_length <= DRAIN_BYTES:
            await self._drain(DRAIN_BYTES)
        if self._body_ended:
            return
        start["headers"] = [*start.get("headers", ()), (b"connection", b"close")]
        # Who waits for "100 Continue" and reads another status sends no body.
        self._lingers = self._started_reading or not self._expects_continue

    async def _linger(self) -> None:
        try:
            await asyncio.wait_for(self._drain(LINGER_BYTES), LINGER_SECONDS)
        except TimeoutError:
            return

    async def _drain(self, limit_bytes: int) -> None:
        size = 0
        while not self._body_ended and size <= limit_bytes:
            size += len((await self.receive()).get("body", b""))
