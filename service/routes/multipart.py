"""multipart/form-data as it streams in: whole slices of the body, never its bytes one by one.

Pure: chunks in, events out. Data of a part leaves as the slices of the chunks that it lies in, so that whoever joins
them makes the only copy.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto

MAX_HEADER_BYTES = 16_384  # of one part
BOUNDARY = re.compile(rb"""[;\s]boundary=(?:"([^"]{1,200})"|([^\s;"]{1,200}))""", re.IGNORECASE)
DISPOSITION = re.compile(rb'form-data((?:\s*;\s*[\w*.\-]+=(?:"(?:[^"\\]|\\.)*"|[^\s;"]*))*)\s*;?\s*', re.IGNORECASE)
PARAMETER = re.compile(rb';\s*([\w*.\-]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s;"]*))')
ESCAPED_QUOTE = re.compile(rb'\\(["\\])')


class MalformedForm(ValueError):
    """Why the body is no form."""


@dataclass(frozen=True, slots=True)
class PartBegins:
    """The headers of a part are read: the name of its field, and the file's name when it has one."""

    name: str
    filename: str | None


class PartEnds:
    """The part that began last is complete."""


Event = PartBegins | bytes | PartEnds
PART_ENDS = PartEnds()
_Step = tuple[tuple[Event, ...], int, bool]


class _State(Enum):
    OPENING = auto()  # before the first boundary
    BOUNDARY = auto()  # after a boundary: does a part follow, or is this the end?
    HEADERS = auto()
    DATA = auto()
    ENDED = auto()


def boundary_of(content_type: str) -> bytes | None:
    """The boundary that a Content-Type names."""
    found = BOUNDARY.search(content_type.encode("latin-1"))
    return None if found is None else found[1] or found[2]


class FormReader:
    """Reads one form."""

    def __init__(self, boundary: bytes) -> None:
        self._delimiter = b"\r\n--" + boundary
        self._state = _State.OPENING
        self._rest = b""
        self._after_headers = False

    @property
    def ended(self) -> bool:
        """Whether the closing boundary was read; what comes after it is ignored."""
        return self._state is _State.ENDED

    def read(self, chunk: bytes) -> Iterator[Event]:
        """What a chunk of the body brings. Raises MalformedForm."""
        data = self._rest + chunk if self._rest else chunk
        steps = {
            _State.OPENING: self._opening,
            _State.BOUNDARY: self._boundary,
            _State.HEADERS: self._headers,
            _State.DATA: self._data,
        }
        at, goes_on = 0, True
        while goes_on and at < len(data) and self._state is not _State.ENDED:
            events, at, goes_on = steps[self._state](data, at)
            yield from events
        self._rest = data[at:]

    # Each step answers what it brings, where in the data it goes on, and whether it can without another chunk.

    def _opening(self, data: bytes, at: int) -> _Step:
        first = self._delimiter[2:]
        at = 2 if data.startswith(b"\r\n") else 0
        if data.startswith(first, at):
            self._state = _State.BOUNDARY
            return (), at + len(first), True
        if first.startswith(data[at:]) or data == b"\r":
            return (), 0, False
        raise MalformedForm("it does not begin with the boundary that the Content-Type names")

    def _boundary(self, data: bytes, at: int) -> _Step:
        """Does a part follow, or is this the end? The boundary's line may end in blanks."""
        if data.startswith(b"--", at):
            self._state = _State.ENDED
            return (), at + 2, True
        while at < len(data) and data[at] in b" \t":
            at += 1
        if data.startswith(b"\r\n", at):
            self._state = _State.HEADERS
            return (), at, True
        if data[at:] in {b"", b"\r", b"-"}:
            return (), at, False
        raise MalformedForm("a boundary is followed by something else than a line break")

    def _headers(self, data: bytes, at: int) -> _Step:
        # The line break that ends the boundary's line is at `at`: there may be no headers.
        end = data.find(b"\r\n\r\n", at)
        if (len(data) if end < 0 else end) - at > MAX_HEADER_BYTES:
            raise MalformedForm(f"the headers of a part are longer than {MAX_HEADER_BYTES:,} bytes")
        if end < 0:
            return (), at, False
        self._state = _State.DATA
        self._after_headers = True
        # The blank line's break stays: without content, the next boundary begins with it.
        return (_part(data[at:end]),), end + 2, True

    def _data(self, data: bytes, at: int) -> _Step:
        end, resumes = self._data_end(data, at)
        begins = at + 2 if self._after_headers and end > at else at
        self._after_headers = self._after_headers and end == at
        content = (data[begins:end],) if end > begins else ()
        if resumes is None:
            return content, end, False
        self._state = _State.BOUNDARY
        return (*content, PART_ENDS), resumes, True

    def _data_end(self, data: bytes, at: int) -> tuple[int, int | None]:
        """Where the data ends that is certainly the part's, and where the boundary after it ends.

        None for the latter when there is no boundary yet: it may begin where the certain data ends.
        """
        delimiter = self._delimiter
        found = data.find(delimiter, at)
        if found >= 0:
            return found, found + len(delimiter)
        begins = data.find(b"\r", max(at, len(data) - len(delimiter) + 1))
        while begins >= 0:
            if delimiter.startswith(data[begins:]):
                return begins, None
            begins = data.find(b"\r", begins + 1)
        return len(data), None


def _part(block: bytes) -> PartBegins:
    """The part that these header lines describe."""
    for line in block.split(b"\r\n"):
        name, colon, value = line.partition(b":")
        if line and not colon:
            raise MalformedForm("a line among the headers of a part has no colon")
        if name.strip().lower() == b"content-disposition":
            found = DISPOSITION.fullmatch(value.strip())
            if found is None:
                raise MalformedForm("the Content-Disposition of a part cannot be read")
            parameters = {
                key.lower(): ESCAPED_QUOTE.sub(rb"\1", quoted) or plain
                for key, quoted, plain in PARAMETER.findall(found[1])
            }
            filename = parameters.get(b"filename")
            return PartBegins(
                name=parameters.get(b"name", b"").decode(errors="replace"),
                filename=None if filename is None else filename.decode(errors="replace"),
            )
    raise MalformedForm("a part has no Content-Disposition")
