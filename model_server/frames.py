"""Messages between the front and a worker as bytes: both lengths, a header in JSON, a body as it is.

    length of the header (4 bytes, big endian) | length of the body (8 bytes, big endian) | header | body

From the front, header {"kind", ...}:
    run      {"requests": [{"id", "headers", "bytes"}, ...]}: the body is the requests' bodies, one after the other
    cancel   {"id"}: nobody reads the rest of this streamed answer
From the worker:
    ready    the model is loaded
    answer   {"id", "status", "headers", "seconds", "more"}: with `more`, parts follow
    part     {"id"}: a piece of a streamed answer
    end      {"id", "seconds", "broken"}: the streamed answer is complete, or broken off
"""

import json
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

PREFIX = struct.Struct("!IQ")
_ENCODER = json.JSONEncoder(separators=(",", ":"))


@dataclass(frozen=True)
class Frame:
    """One message."""

    header: Mapping[str, Any]
    body: bytes = b""


def encode_header(header: Mapping[str, Any], body_bytes: int = 0) -> bytes:
    """The beginning of a frame, after which the body follows."""
    text = _ENCODER.encode(header).encode()
    return PREFIX.pack(len(text), body_bytes) + text


class FrameDecoder:
    """Frames out of a stream of bytes that arrives in pieces of any size."""

    def __init__(self) -> None:
        self._pending = bytearray()

    def feed(self, data: bytes | bytearray | memoryview) -> Iterator[Frame]:
        """The frames that are complete with `data`. Raises ValueError for what is no frame."""
        self._pending += data
        start = 0
        try:
            while len(self._pending) - start >= PREFIX.size:
                header_bytes, body_bytes = PREFIX.unpack_from(self._pending, start)
                body_start = start + PREFIX.size + header_bytes
                end = body_start + body_bytes
                if len(self._pending) < end:
                    break
                with memoryview(self._pending) as view:
                    header = json.loads(str(view[start + PREFIX.size : body_start], "utf-8"))
                    body = bytes(view[body_start:end])
                start = end
                yield Frame(header, body)
        finally:
            del self._pending[:start]
