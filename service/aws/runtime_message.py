"""HTTP/1.1 as InvokeEndpoint needs it: the head of a POST, and an answer. Pure."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

TARGET = re.compile(r"[!-~]+")


class Headers(Mapping[str, str]):
    """An answer's headers, by names of any case. Made of names in lower case and values as they came."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[bytes, bytes]) -> None:
        self._values = values

    def __getitem__(self, name: str) -> str:
        """The value; of a header that came several times, all of them with commas between."""
        return self._values[name.lower().encode()].decode("latin-1")

    def __iter__(self) -> Iterator[str]:
        """The names in lower case."""
        return (name.decode("latin-1") for name in self._values)

    def __len__(self) -> int:
        """How many names there are."""
        return len(self._values)


@dataclass(slots=True)
class Answer:
    """A whole answer."""

    status: int
    headers: Headers
    body: bytes


def request_head(target: str, first_lines: str, headers: Mapping[str, str], body_bytes: int) -> bytes:
    """The head of a POST with a body of this size. `first_lines` are whole lines, each with its CR LF.

    Raises ValueError for what would make another request of it: a line break or NUL, or a blank in the target.
    """
    if not TARGET.fullmatch(target):
        raise ValueError(f"no target of a request: {target!r}")
    lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
    # Counting all breaks at once takes less time than looking at each header.
    if lines.count("\n") != len(headers) or lines.count("\r") != len(headers) or "\0" in lines:
        broken = [name for name, value in headers.items() if not (name + value).isprintable()]
        raise ValueError(f"a header has a line break or a NUL in it: {', '.join(map(repr, broken))}")
    return f"POST {target} HTTP/1.1\r\n{first_lines}{lines}Content-Length: {body_bytes}\r\n\r\n".encode()
