"""The images of a request: its raw body, or the files of a form. Nothing beyond the limits is ever held."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect

from service.errors import BadRequest, PayloadTooLarge
from service.settings import Settings

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

FORM = "multipart/form-data"
FIELD = "file"
PART_OVERHEAD_BYTES = 16_384  # boundary and headers of a part


@dataclass(frozen=True)
class Upload:
    """The bytes of one file, and its name if it came in a form."""

    body: bytes
    filename: str | None = None


async def read_uploads(request: Request, settings: Settings) -> list[Upload]:
    """The request's images, at least one, none of them empty or larger than settings.max_image_bytes.

    Raises PayloadTooLarge as soon as a limit is passed (by Content-Length before anything is read), and BadRequest for
    an empty body, a form without the field `file`, one with other fields, and one that is cut or malformed.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type == FORM:
        return await _read_form(request, settings)
    return [Upload(await _read_raw(request, settings.max_image_bytes))]


async def _read_raw(request: Request, limit_bytes: int) -> bytes:
    if _content_length(request) > limit_bytes:
        raise _image_too_large(limit_bytes)
    chunks: list[bytes] = []
    size_bytes = 0
    try:
        async for chunk in request.stream():
            size_bytes += len(chunk)
            if size_bytes > limit_bytes:
                raise _image_too_large(limit_bytes)
            chunks.append(chunk)
    except ClientDisconnect:
        raise _cut_off() from None
    if size_bytes == 0:
        raise BadRequest("The request has no body.", "Send the image's bytes: curl --data-binary @dog.jpg URL/predict")
    return b"".join(chunks)


async def _read_form(request: Request, settings: Settings) -> list[Upload]:
    limit_bytes = settings.max_images * (settings.max_image_bytes + PART_OVERHEAD_BYTES)
    if _content_length(request) > limit_bytes:
        raise PayloadTooLarge(
            f"The form is larger than {settings.max_images} images of {settings.max_image_bytes:,} bytes each.",
            "Send fewer or smaller images at once.",
            limit_bytes=limit_bytes,
        )
    _, options = parse_options_header(request.headers["content-type"])
    boundary = options.get(b"boundary")
    if not boundary:
        raise BadRequest(
            "The Content-Type multipart/form-data names no boundary.",
            "Let the HTTP client write this header: curl -F file=@dog.jpg",
        )
    form = _Form(settings)
    size_bytes = 0
    try:
        parser = MultipartParser(boundary, form.callbacks)
        async for chunk in request.stream():
            size_bytes += len(chunk)
            if size_bytes > limit_bytes:
                raise _image_too_large(settings.max_image_bytes)
            parser.write(chunk)
    except FormParserError as error:
        raise BadRequest(
            f"The form cannot be read: {error}", "Send the image as curl -F file=@dog.jpg does."
        ) from error
    except ClientDisconnect:
        raise _cut_off() from None
    return form.finished()


@dataclass
class _Part:
    headers: dict[str, bytes] = field(default_factory=dict)
    chunks: list[bytes] = field(default_factory=list)
    size_bytes: int = 0

    def options(self) -> Mapping[bytes, bytes]:
        return parse_options_header(self.headers.get("content-disposition", b""))[1]


class _Form:
    """Collects the files of a form from the parser's callbacks."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._uploads: list[Upload] = []
        self._part = _Part()
        self._header_name = b""
        self._header_value = b""
        self._ended = False
        self.callbacks: MultipartCallbacks = {
            "on_part_begin": self._part_begin,
            "on_header_field": self._header_field,
            "on_header_value": self._header_text,
            "on_header_end": self._header_end,
            "on_headers_finished": self._headers_finished,
            "on_part_data": self._part_data,
            "on_part_end": self._part_end,
            "on_end": self._end,
        }

    def finished(self) -> list[Upload]:
        """The files, once everything was parsed."""
        if not self._ended:
            raise BadRequest("The form ends before its closing boundary.", "Send the whole form again.")
        if not self._uploads:
            raise BadRequest("The form has no file.", f"Send the image in the field {FIELD!r}: curl -F file=@dog.jpg")
        return self._uploads

    def _part_begin(self) -> None:
        if len(self._uploads) == self._settings.max_images:
            raise PayloadTooLarge(
                f"The form has more than {self._settings.max_images} images.", "Send fewer images at once."
            )
        self._part = _Part()

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]

    def _header_text(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def _header_end(self) -> None:
        self._part.headers[self._header_name.decode("latin-1").lower()] = self._header_value
        self._header_name = self._header_value = b""

    def _headers_finished(self) -> None:
        name = self._part.options().get(b"name", b"").decode(errors="replace")
        if name != FIELD:
            raise BadRequest(
                f"The form has a field {name!r}.",
                f"Send images in the field {FIELD!r} (curl -F file=@dog.jpg), and top_k in the query (?top_k=5).",
            )

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        self._part.size_bytes += end - start
        if self._part.size_bytes > self._settings.max_image_bytes:
            raise _image_too_large(self._settings.max_image_bytes)
        self._part.chunks.append(data[start:end])

    def _part_end(self) -> None:
        filename = self._part.options().get(b"filename")
        name = filename.decode(errors="replace") if filename is not None else None
        if self._part.size_bytes == 0:
            raise BadRequest(f"The file {name or ''!r} of the form is empty.", "Send a file that has content.")
        self._uploads.append(Upload(b"".join(self._part.chunks), name))

    def _end(self) -> None:
        self._ended = True


def _content_length(request: Request) -> int:
    """0 when the length is not known beforehand. The HTTP server has refused what is no number."""
    return int(request.headers.get("content-length", "0"))


def _image_too_large(limit_bytes: int) -> PayloadTooLarge:
    return PayloadTooLarge(
        f"The image has more than {limit_bytes:,} bytes ({limit_bytes / 2**20:.3g} MiB), the largest that is taken.",
        "Send a smaller image; the model sees only a few hundred pixels of each side.",
        limit_bytes=limit_bytes,
    )


def _cut_off() -> BadRequest:
    return BadRequest("The connection ended before the upload did.", "Send the image again.")
