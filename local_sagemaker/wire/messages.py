"""What the protocols read and write: one HTTP request, one HTTP response."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Protocol


class Parts(Protocol):
    """A body that is sent in parts as they come. It holds something until it is closed, also when never begun."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        """The parts."""

    async def aclose(self) -> None:
        """Let go of what it holds. Repeatable."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request whose body was read. `path` is still percent-encoded; header names are in lower case."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Response:
    """An answer, with `parts` in place of a body that is not known yet.

    Content-Length (of a body) and x-amzn-RequestId are added when it is sent.
    """

    status: int
    body: bytes
    headers: list[tuple[str, str]] = field(default_factory=list)
    parts: Parts | None = None
