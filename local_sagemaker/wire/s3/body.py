"""An upload's body: taken out of aws-chunked framing, and compared with the checksums that came with it."""

import base64
import binascii
import hashlib
import zlib
from collections.abc import AsyncIterator, Mapping
from typing import Any, Protocol

from nanio.errors import BadDigest, InvalidRequest
from starlette.requests import Request

MAX_LINE_BYTES = 16 * 1024


class Digest(Protocol):
    """As in hashlib."""

    def update(self, data: bytes, /) -> None:
        """Add a part."""

    def digest(self) -> bytes:
        """Of all parts so far."""


class Crc32:
    """zlib's CRC-32 with hashlib's interface."""

    def __init__(self) -> None:
        self._value = 0

    def update(self, data: bytes, /) -> None:
        """Add a part."""
        self._value = zlib.crc32(data, self._value)

    def digest(self) -> bytes:
        """Four bytes, big-endian."""
        return self._value.to_bytes(4, "big")


# CRC32C and CRC64NVME are taken and not compared: the standard library does not have them, and in Python they would
# cost a second for 10 MB. TCP and the declared length guard such a body.
_ALGORITHMS: dict[str, Any] = {
    "x-amz-checksum-crc32": Crc32,
    "x-amz-checksum-sha1": lambda: hashlib.sha1(usedforsecurity=False),
    "x-amz-checksum-sha256": hashlib.sha256,
    "content-md5": lambda: hashlib.md5(usedforsecurity=False),
}


class UploadBody:
    """Iterates over the plain bytes of a request's body; `digests` are to be updated by whoever writes them."""

    def __init__(self, request: Request) -> None:
        self._source = request.stream()
        self._expected: dict[str, str] = dict(request.headers)
        self._chunked = is_aws_chunked(self._expected)
        announced = [*self._expected, *self._expected.get("x-amz-trailer", "").replace(" ", "").lower().split(",")]
        self.digests: dict[str, Digest] = {
            name: algorithm() for name, algorithm in _ALGORITHMS.items() if name in announced
        }
        length = self._expected.get("x-amz-decoded-content-length" if self._chunked else "content-length")
        self._length = int(length) if length is not None and length.isdecimal() else None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._plain() if self._chunked else self._source:
            if part:
                yield part

    async def _plain(self) -> AsyncIterator[bytes]:
        trailers: dict[str, str] = {}
        async for part in decode_aws_chunked(self._source, trailers):
            yield part
        self._expected |= trailers

    def verify(self, size: int) -> None:
        """After the last part. Raises BadDigest and InvalidRequest when it is not what was announced."""
        if self._length is not None and size != self._length:
            raise InvalidRequest(f"the body has {size} bytes, announced were {self._length}")
        for name, digest in self.digests.items():
            if name not in self._expected:
                raise InvalidRequest(f"the trailer {name} was announced and did not come")
            try:
                expected = base64.b64decode(self._expected[name], validate=True)
            except binascii.Error:
                raise InvalidRequest(f"{name} is no base64") from None
            if digest.digest() != expected:
                raise BadDigest(f"The {name} you specified did not match what we received.")


def is_aws_chunked(headers: Mapping[str, str]) -> bool:
    """Whether a body comes in aws-chunked framing (STREAMING-..., with or without signatures and trailers)."""
    return headers.get("x-amz-content-sha256", "").startswith("STREAMING-") or "aws-chunked" in _encodings(headers)


def content_encoding(headers: Mapping[str, str]) -> str | None:
    """The object's own encoding: aws-chunked is the transfer's alone."""
    return ",".join(encoding for encoding in _encodings(headers) if encoding != "aws-chunked") or None


def _encodings(headers: Mapping[str, str]) -> list[str]:
    return [encoding.strip() for encoding in headers.get("content-encoding", "").split(",") if encoding.strip()]


async def decode_aws_chunked(source: AsyncIterator[bytes], trailers: dict[str, str]) -> AsyncIterator[bytes]:
    """The bytes within `HEXSIZE[;chunk-signature=...]CRLF bytes CRLF ... 0 CRLF trailers CRLF`.

    Signatures are not checked, as nowhere here. Trailers are put into `trailers`. Raises InvalidRequest.
    """
    reader = _Reader(source)
    while size := _chunk_size(await reader.line()):
        async for part in reader.exactly(size):
            yield part
        if await reader.line():
            raise InvalidRequest("an aws-chunked part is longer than it says")
    while not reader.ended and (line := await reader.line(at_end=b"")):
        name, _, value = line.decode("latin-1").partition(":")
        trailers[name.strip().lower()] = value.strip()


def _chunk_size(line: bytes) -> int:
    try:
        return int(line.partition(b";")[0], 16)
    except ValueError:
        raise InvalidRequest("the body is not in aws-chunked framing") from None


class _Reader:
    """Lines and exact counts out of an iterator of parts."""

    def __init__(self, source: AsyncIterator[bytes]) -> None:
        self._source = source
        self._buffer = bytearray()
        self.ended = False

    async def line(self, at_end: bytes | None = None) -> bytes:
        """Up to CRLF, without it; at the end of the source `at_end`, or InvalidRequest where that is None."""
        while (end := self._buffer.find(b"\r\n")) < 0:
            if len(self._buffer) > MAX_LINE_BYTES:
                raise InvalidRequest("the body is not in aws-chunked framing")
            if not await self._more():
                if at_end is None:
                    raise InvalidRequest("the aws-chunked body ends too early")
                return bytes(self._buffer) or at_end
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 2]
        return line

    async def exactly(self, size: int) -> AsyncIterator[bytes]:
        """The next `size` bytes, in parts."""
        while size:
            if not self._buffer and not await self._more():
                raise InvalidRequest("the aws-chunked body ends too early")
            part = bytes(self._buffer[:size])
            del self._buffer[:size]
            size -= len(part)
            yield part

    async def _more(self) -> bool:
        async for part in self._source:
            if part:
                self._buffer += part
                return True
        self.ended = True
        return False
