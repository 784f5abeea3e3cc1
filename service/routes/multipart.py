"""multipart/form-data as it streams in: python-multipart finds the parts, their data leaves as slices of the chunks."""

import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser
from starlette.types import Receive

from service.errors import BadRequest, Problem

FORM = "multipart/form-data"
FIELD = "file"  # where images are
MAX_HEADER_BYTES = 16_384  # of one part
BOUNDARY = re.compile(rb"""[;\s]boundary=(?:"([^"]+)"|([^\s;"]+))""", re.IGNORECASE)
DISPOSITION = re.compile(rb'form-data((?:\s*;\s*[\w*.\-]+=(?:"(?:[^"\\]|\\.)*"|[^\s;"]*))*)\s*;?\s*', re.IGNORECASE)
PARAMETER = re.compile(rb';\s*([\w*.\-]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s;"]*))')
ESCAPED_QUOTE = re.compile(rb'\\(["\\])')


@dataclass(frozen=True, slots=True)
class PartBegins:
    """The headers of a part are read: the name of its field, and the file's name when it has one."""

    name: str
    filename: str | None


class PartEnds:
    """The part that began last is complete."""


Event = PartBegins | bytes | PartEnds
PART_ENDS = PartEnds()


def is_form(content_type: str) -> bool:
    """Whether a Content-Type says multipart/form-data."""
    return content_type[: len(FORM)].lower() == FORM and content_type[len(FORM) : len(FORM) + 1] in {"", ";", " ", "\t"}


async def body_chunks(receive: Receive, limit_bytes: int, too_large: Callable[[], Problem]) -> AsyncIterator[bytes]:
    """The body as it comes. Raises `too_large()` once it has more bytes, BadRequest when the connection ends early."""
    size_bytes = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise BadRequest("The connection ended before the upload did.", "Send the image again.")
        body: bytes = message.get("body", b"")
        size_bytes += len(body)
        if size_bytes > limit_bytes:
            raise too_large()
        if body:
            yield body
        if not message.get("more_body", False):
            return


async def form_events(content_type: str, chunks: AsyncIterator[bytes]) -> AsyncIterator[Event]:
    """What a form brings, in order. What comes after its closing boundary is ignored.

    Raises BadRequest for a Content-Type without a boundary, and a form that is malformed or cut.
    """
    boundary = boundary_of(content_type)
    if boundary is None:
        raise BadRequest(
            "The Content-Type multipart/form-data names no boundary.",
            "Let the HTTP client write this header: curl -F file=@dog.jpg",
        )
    try:
        reader = _Reader(boundary)
        async for chunk in chunks:
            for event in reader.read(chunk):
                yield event
    except FormParserError as error:
        raise BadRequest(
            f"The form cannot be read: {error}.", "Send the image as curl -F file=@dog.jpg does."
        ) from error
    if not reader.ended:
        raise BadRequest("The form ends before its closing boundary.", "Send the whole form again.")


def boundary_of(content_type: str) -> bytes | None:
    """The boundary that a Content-Type names."""
    found = BOUNDARY.search(content_type.encode("latin-1"))
    return None if found is None else found[1] or found[2]


class _Reader:
    """Collects what the parser calls back with while it reads a chunk."""

    def __init__(self, boundary: bytes) -> None:
        self.ended = False
        self._events: list[Event] = []
        self._name = b""
        self._value = b""
        self._header_bytes = 0
        self._part: PartBegins | None = None
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._part_begin,
                "on_header_field": self._header_field,
                "on_header_value": self._header_value,
                "on_header_end": self._header_end,
                "on_headers_finished": self._headers_finished,
                "on_part_data": self._part_data,
                "on_part_end": self._part_end,
                "on_end": self._end,
            },
            max_header_size=MAX_HEADER_BYTES,
        )

    def read(self, chunk: bytes) -> list[Event]:
        """What a chunk of the body brings. Raises FormParserError."""
        self._events = []
        self._parser.write(chunk)
        return self._events

    def _part_begin(self) -> None:
        self._name = self._value = b""
        self._header_bytes = 0
        self._part = None

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._count(end - start)
        self._name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._count(end - start)
        self._value += data[start:end]

    def _header_end(self) -> None:
        if self._name.lower() == b"content-disposition":
            self._part = _described_by(self._value)
        self._name = self._value = b""

    def _headers_finished(self) -> None:
        if self._part is None:
            raise FormParserError("a part has no Content-Disposition")
        self._events.append(self._part)

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        self._events.append(data[start:end])

    def _part_end(self) -> None:
        self._events.append(PART_ENDS)

    def _end(self) -> None:
        self.ended = True

    def _count(self, header_bytes: int) -> None:
        self._header_bytes += header_bytes
        if self._header_bytes > MAX_HEADER_BYTES:
            raise FormParserError(f"the headers of a part are longer than {MAX_HEADER_BYTES:,} bytes")


def _described_by(disposition: bytes) -> PartBegins:
    found = DISPOSITION.fullmatch(disposition.strip())
    if found is None:
        raise FormParserError("the Content-Disposition of a part cannot be read")
    parameters = {
        key.lower(): ESCAPED_QUOTE.sub(rb"\1", quoted) or plain for key, quoted, plain in PARAMETER.findall(found[1])
    }
    filename = parameters.get(b"filename")
    return PartBegins(
        name=parameters.get(b"name", b"").decode(errors="replace"),
        filename=None if filename is None else filename.decode(errors="replace"),
    )
