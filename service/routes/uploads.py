"""The images of a request: its raw body, or the files of a form. Nothing beyond the limits is ever held, and what is no
image is refused once its first bytes are here.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from starlette.requests import Request

from service.domain.image_formats import SIGNATURE_BYTES
from service.domain.predictions import content_type_of
from service.errors import BadRequest, NotAnImage, PayloadTooLarge
from service.routes.multipart import FIELD, Event, PartBegins, body_chunks, form_events, is_form
from service.settings import Settings

PART_OVERHEAD_BYTES = 16_384  # boundary and headers of a part


@dataclass(frozen=True, slots=True)
class Upload:
    """The bytes of one file, the media type that they are of, and the file's name if it came in a form."""

    body: bytes
    content_type: str
    filename: str | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a request may bring. `image_bytes` is the most that an image may have, `sent_bytes` the most that the
    endpoint takes of it: they differ where the image is to be shrunk.
    """

    image_bytes: int
    sent_bytes: int
    images: int

    @classmethod
    def of(cls, settings: Settings, *, fit: bool) -> "Limits":
        """With `fit`, an image may be larger than what is sent."""
        sent_bytes = settings.max_image_bytes
        return cls(max(sent_bytes, settings.max_fit_bytes) if fit else sent_bytes, sent_bytes, settings.max_images)

    @property
    def form_bytes(self) -> int:
        """The most that a whole form may have: many images that fit, or one that does not."""
        return max(self.image_bytes, self.images * self.sent_bytes) + self.images * PART_OVERHEAD_BYTES

    @property
    def shrinks(self) -> bool:
        """Whether a larger image than the endpoint takes is accepted."""
        return self.image_bytes > self.sent_bytes


async def read_uploads(request: Request, limits: Limits) -> list[Upload]:
    """The request's images, at least one, none of them empty.

    Raises PayloadTooLarge as soon as a limit is passed (by Content-Length before anything is read), NotAnImage as
    soon as an image's first bytes are none of one, and BadRequest for an empty body, a form without the field `file`,
    one with other fields, and one that is cut or malformed.
    """
    announced_bytes = int(request.headers.get("content-length", "0"))  # the HTTP server has refused what is no number
    content_type = request.headers.get("content-type", "")

    def too_large() -> PayloadTooLarge:
        return _image_too_large(limits)

    if is_form(content_type):
        if announced_bytes > limits.form_bytes:
            raise PayloadTooLarge(
                f"The form is larger than {limits.images} images of {limits.sent_bytes:,} bytes "
                f"({limits.sent_bytes / 2**20:.3g} MiB) each.",
                "Send fewer or smaller images at once.",
                limit_bytes=limits.form_bytes,
            )
        chunks = body_chunks(request.receive, limits.form_bytes, too_large)
        return await _read_form(form_events(content_type, chunks), limits)
    if announced_bytes > limits.image_bytes:
        raise _image_too_large(limits)
    image = _Image(limits)
    async for chunk in body_chunks(request.receive, limits.image_bytes, too_large):
        image.take(chunk)
    return [
        image.finished("The request has no body.", "Send the image's bytes: curl --data-binary @dog.jpg URL/predict")
    ]


class _Image:
    """What came of an image so far."""

    def __init__(self, limits: Limits, filename: str | None = None) -> None:
        self._limits = limits
        self._filename = filename
        self._chunks: list[bytes] = []
        self._size_bytes = 0
        self._content_type: str | None = None

    def take(self, chunk: bytes) -> None:
        """Keep some more bytes."""
        self._size_bytes += len(chunk)
        if self._size_bytes > self._limits.image_bytes:
            raise _image_too_large(self._limits)
        self._chunks.append(chunk)
        if self._content_type is None and self._size_bytes >= SIGNATURE_BYTES:
            self._content_type = content_type_of(b"".join(self._chunks)[:SIGNATURE_BYTES])

    def finished(self, empty: str, action: str) -> Upload:
        """All of it; a problem with these words when that is nothing."""
        if self._size_bytes == 0:
            raise BadRequest(empty, action)
        body = b"".join(self._chunks)
        return Upload(body, self._content_type or content_type_of(body), self._filename)


async def _read_form(events: AsyncIterator[Event], limits: Limits) -> list[Upload]:
    form = _Form(limits)
    async for event in events:
        form.take(event)
    if not form.uploads:
        raise BadRequest("The form has no file.", f"Send the image in the field {FIELD!r}: curl -F file=@dog.jpg")
    return form.uploads


class _Form:
    """Collects the files of a form."""

    def __init__(self, limits: Limits) -> None:
        self.uploads: list[Upload] = []
        self._limits = limits
        self._part = PartBegins("", None)
        self._image = _Image(limits)

    def take(self, event: Event) -> None:
        """Go on with what the form brings next. A problem of an image says which file it is."""
        if isinstance(event, bytes):
            try:
                self._image.take(event)
            except (NotAnImage, PayloadTooLarge) as problem:
                problem.members |= self._which()
                raise
        elif isinstance(event, PartBegins):
            self._begin(event)
        else:
            empty = f"The file {self._part.filename or ''!r} of the form is empty."
            try:
                self.uploads.append(self._image.finished(empty, "Send a file that has content."))
            except NotAnImage as problem:
                problem.members |= self._which()
                raise

    def _begin(self, part: PartBegins) -> None:
        if len(self.uploads) == self._limits.images:
            raise PayloadTooLarge(f"The form has more than {self._limits.images} images.", "Send fewer images at once.")
        if part.name != FIELD:
            raise BadRequest(
                f"The form has a field {part.name!r}.",
                f"Send images in the field {FIELD!r} (curl -F file=@dog.jpg), and top_k in the query (?top_k=5).",
            )
        self._part = part
        self._image = _Image(self._limits, part.filename)

    def _which(self) -> dict[str, object]:
        return {"file_index": len(self.uploads), "filename": self._part.filename}


def _image_too_large(limits: Limits) -> PayloadTooLarge:
    smaller = "Send a smaller image; the model sees only a few hundred pixels of each side."
    if not limits.shrinks:
        smaller = "Send a smaller image, or add ?fit=true to the URL and the service shrinks it."
    return PayloadTooLarge(
        f"The image has more than {limits.image_bytes:,} bytes ({limits.image_bytes / 2**20:.3g} MiB), the largest "
        "that is taken.",
        smaller,
        limit_bytes=limits.image_bytes,
    )
