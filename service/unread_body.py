"""An answer before the end of the upload: the client gets to read it, and the server reads on only so far.

A client that still sends when the connection is closed sees a reset in place of the answer. So an early answer says
`Connection: close`, is sent whole, and then what still comes is thrown away until the upload ends, the client goes, or
a bound is met.
"""

import asyncio
from collections.abc import MutableMapping
from typing import Any

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_DISCARDED_BYTES = 64 * 2**20
MAX_DISCARD_SECONDS = 10.0


class UnreadBodyMiddleware:
    """Lets every route answer without reading the body."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand requests on; those that announce a body are watched."""
        if scope["type"] != "http" or not _announces_body(Headers(scope=scope)):
            await self.app(scope, receive, send)
            return
        exchange = _Exchange(receive, send)
        await self.app(scope, exchange.receive, exchange.send)


class _Exchange:
    """One request whose body may stay unread."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self._body_ended = False

    async def receive(self) -> Message:
        message = await self._receive()
        self._body_ended = self._body_ended or message["type"] != "http.request" or not message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        if self._body_ended:
            await self._send(message)
        elif message["type"] == "http.response.start":
            await self._send(_closing(message))
        elif message["type"] == "http.response.body" and not message.get("more_body", False):
            await self._send({**message, "more_body": True})
            await self._discard()
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})
        else:
            await self._send(message)

    async def _discard(self) -> None:
        discarded_bytes = 0
        try:
            async with asyncio.timeout(MAX_DISCARD_SECONDS):
                while not self._body_ended and discarded_bytes < MAX_DISCARDED_BYTES:
                    discarded_bytes += len((await self.receive()).get("body", b""))
        except TimeoutError:
            return  # the connection is closed as announced


def _announces_body(headers: Headers) -> bool:
    return headers.get("content-length", "0") != "0" or "transfer-encoding" in headers


def _closing(start: Message) -> MutableMapping[str, Any]:
    headers = [(name, value) for name, value in start.get("headers", []) if name.lower() != b"connection"]
    return {**start, "headers": [*headers, (b"connection", b"close")]}
