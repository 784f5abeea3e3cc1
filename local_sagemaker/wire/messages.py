"""What the protocols read and write: one HTTP request, one HTTP response."""

from dataclasses import dataclass, field


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
    """An answer. Content-Length and x-amzn-RequestId are added when it is sent."""

    status: int
    body: bytes
    headers: list[tuple[str, str]] = field(default_factory=list)
