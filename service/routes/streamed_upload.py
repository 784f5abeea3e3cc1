"""One image of any size, streamed to disk: its raw body, or the file of a form. Memory holds a megabyte of it."""

import hashlib
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from service.domain import image_formats
from service.domain.predictions import content_type_of
from service.domain.received_image import ReceivedImage
from service.errors import BadRequest, PayloadTooLarge
from service.routes.multipart import FIELD, PartBegins, body_chunks, form_events, is_form

HOW = f"Send it in the field {FIELD!r} (curl -F file=@dog.jpg), and top_k and id in the query."
FORM_OVERHEAD_BYTES = 16_384  # boundaries and headers
BLOCK_BYTES = 2**20  # held in memory, and written at once


@asynccontextmanager
async def received_image(request: Request, limit_bytes: int) -> AsyncIterator[ReceivedImage]:
    """The request's image, at most `limit_bytes` of it; what was kept of it is gone after the block.

    Raises PayloadTooLarge and NotAnImage as soon as they are certain, and BadRequest for an empty or cut upload, a form
    that is malformed, and one of anything but one file in the field `file`.
    """
    content_type = request.headers.get("content-type", "")
    in_form = is_form(content_type)
    most_bytes = limit_bytes + (FORM_OVERHEAD_BYTES if in_form else 0)
    announced = int(request.headers.get("content-length", "0"))  # the HTTP server has refused what is no number
    if announced > most_bytes:
        raise _too_large(limit_bytes)
    chunks = body_chunks(request.receive, most_bytes, lambda: _too_large(limit_bytes))
    with tempfile.SpooledTemporaryFile(BLOCK_BYTES) as file:
        kept = _Kept(file, limit_bytes)
        async for data in _file_of(content_type, chunks) if in_form else chunks:
            kept.take(data)
            await kept.write()
        yield await kept.finished()


class _Kept:
    """What came of the image so far: a block in memory, the rest on disk."""

    def __init__(self, file: "tempfile.SpooledTemporaryFile[bytes]", limit_bytes: int) -> None:
        self._file = file
        self._limit_bytes = limit_bytes
        self._block = bytearray()
        self._size_bytes = 0
        self._digest = hashlib.sha256()
        self._content_type: str | None = None

    def take(self, data: bytes) -> None:
        self._size_bytes += len(data)
        if self._size_bytes > self._limit_bytes:
            raise _too_large(self._limit_bytes)
        self._block += data
        if self._content_type is None and len(self._block) >= image_formats.SIGNATURE_BYTES:
            self._content_type = content_type_of(bytes(self._block[: image_formats.SIGNATURE_BYTES]))

    async def write(self, *, all_of_it: bool = False) -> None:
        """Empty the block once it is full; neither digest nor disk hold the event loop."""
        if self._block and (all_of_it or len(self._block) >= BLOCK_BYTES):
            block, self._block = self._block, bytearray()
            await run_in_threadpool(self._append, block)

    async def finished(self) -> ReceivedImage:
        if self._size_bytes == 0:
            raise BadRequest("The request has no image.", "Send its bytes: curl --data-binary @dog.jpg URL")
        if self._content_type is None:  # shorter than any signature needs
            self._content_type = content_type_of(bytes(self._block))
        await self.write(all_of_it=True)
        self._file.seek(0)
        return ReceivedImage(self._file, self._digest.hexdigest(), self._content_type)

    def _append(self, block: bytearray) -> None:
        self._digest.update(block)
        self._file.write(block)


async def _file_of(content_type: str, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The data of a form's only part."""
    files = 0
    async for event in form_events(content_type, chunks):
        if isinstance(event, bytes):
            yield event
        elif isinstance(event, PartBegins):
            files += 1
            _check_part(event, files)


def _check_part(part: PartBegins, number: int) -> None:
    if number > 1:
        raise BadRequest("The form has more than one field.", f"Send one image a request. {HOW}")
    if part.name != FIELD:
        raise BadRequest(f"The form has a field {part.name!r}.", HOW)


def _too_large(limit_bytes: int) -> PayloadTooLarge:
    return PayloadTooLarge(
        f"The image has more than {limit_bytes:,} bytes ({limit_bytes / 2**20:.3g} MiB), the largest that is taken.",
        "Send a smaller image, or let SAGEHOUND_MAX_ASYNC_IMAGE_BYTES allow more (AWS takes up to 1 GB).",
        limit_bytes=limit_bytes,
    )
