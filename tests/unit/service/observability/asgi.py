"""An ASGI app asked without a server."""

from collections.abc import Sequence
from typing import Any

from starlette.types import ASGIApp, Message, Scope

Headers = Sequence[tuple[bytes, bytes]]


def http_scope(method: str = "GET", path: str = "/", headers: Headers = (), **members: Any) -> Scope:
    """A request of 127.0.0.1."""
    return {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": list(headers),
        "scheme": "http",
        "server": ("127.0.0.1", 8000),
        "client": ("127.0.0.1", 50000),
        "state": {},
        **members,
    }


async def ask(app: ASGIApp, scope: Scope, body: bytes = b"") -> list[Message]:
    """The messages of the answer. The client sends the body at once and stays."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return sent


def header(answer: Sequence[Message], name: bytes) -> list[str]:
    """All values of a header."""
    return [value.decode() for key, value in answer[0]["headers"] if key == name]
