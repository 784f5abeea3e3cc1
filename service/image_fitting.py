"""`python -m service.image_fitting LIMIT_BYTES`: shrink one image, standard input to standard output.

A process of its own for every image: what decodes strangers' files has a bounded memory and time here, shares nothing
with the requests beside it, and gives all of it back. Answers one line of JSON: `{"width", "height"}` and after it the
bytes of a JPEG below the limit, or `{"refused": "size" | "image", "detail"}`.
"""

import io
import json
import math
import resource
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

MEMORY_BYTES = 1_536 * 2**20
CPU_SECONDS = 20
MAX_PIXELS = 64_000_000  # as inference/; a transparent PNG of this size takes about 600 MB while it is decoded
QUALITY = 90
BYTES_A_PIXEL = 0.5  # of a JPEG with much detail: what the first attempt assumes
SMALLER = 0.85  # of the limit is what the next attempt aims at
FEWEST_PIXELS = 16
ORIENTATION = 0x0112  # the tag in EXIF

TOO_LARGE = "size"
NO_IMAGE = "image"


class Refused(Exception):
    """The image cannot be shrunk: `kind` is TOO_LARGE or NO_IMAGE."""

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail


def fitted(body: bytes, limit_bytes: int) -> tuple[bytes, int, int]:
    """The image as a JPEG of at most `limit_bytes`, upright, and its width and height in pixels.

    It keeps as many pixels as fit. Of an animation it is the first picture; what is transparent becomes white, as the
    model would see it. Raises Refused above MAX_PIXELS, before anything is decoded, and for what cannot be decoded.
    """
    from PIL import Image, UnidentifiedImageError  # noqa: PLC0415 - after the limits are set

    Image.MAX_IMAGE_PIXELS = None  # MAX_PIXELS is checked here
    try:
        with Image.open(io.BytesIO(body), formats=("JPEG", "PNG", "WEBP", "BMP", "GIF")) as image:
            width, height = image.size
            _check_pixels(width, height)
            scale = min(1.0, math.sqrt(limit_bytes / BYTES_A_PIXEL / (width * height)))
            size = _scaled(width, height, scale)
            image.draft("RGB", size)  # a JPEG is decoded at half its size, or a quarter, where that will do
            small = _upright(_rgb(image).resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0), image)
    except Refused:
        raise
    except MemoryError:
        raise Refused(TOO_LARGE, "The image needs more memory to be decoded than it is allowed.") from None
    except UnidentifiedImageError:
        raise Refused(NO_IMAGE, "The image cannot be decoded: its header is damaged or ends too early.") from None
    except Exception as error:  # Pillow's plugins raise nearly anything over a damaged file
        raise Refused(NO_IMAGE, f"The image cannot be decoded: {error}") from error
    while True:
        written = io.BytesIO()
        small.save(written, "JPEG", quality=QUALITY)
        size_bytes = written.tell()
        if size_bytes <= limit_bytes:
            return written.getvalue(), small.width, small.height
        if small.width * small.height <= FEWEST_PIXELS:
            raise Refused(TOO_LARGE, f"No JPEG of the image is as small as {limit_bytes:,} bytes.")
        scale = min(SMALLER, math.sqrt(SMALLER * limit_bytes / size_bytes))
        small = small.resize(_scaled(small.width, small.height, scale), Image.Resampling.LANCZOS)


def _check_pixels(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        detail = f"The image has {width:,} x {height:,} pixels, more than the {MAX_PIXELS:,} that are decoded."
        raise Refused(TOO_LARGE, detail)


def _scaled(width: int, height: int, scale: float) -> tuple[int, int]:
    return max(1, int(width * scale)), max(1, int(height * scale))


def _rgb(image: "Image") -> "Image":
    """As inference/ reads it: 16 bits are scaled to 8, and what is transparent becomes white."""
    from PIL import Image  # noqa: PLC0415

    if image.mode.startswith("I"):
        image = image.convert("I").point(lambda value: value * (1 / 256), "L")
    if not image.has_transparency_data:
        return image.convert("RGB")
    pasted = image.convert("RGBA")
    white = Image.new("RGB", pasted.size, "white")
    white.paste(pasted, mask=pasted.getchannel("A"))
    return white


def _upright(small: "Image", original: "Image") -> "Image":
    """Turned as the camera noted in the original. A damaged note is as good as none: the pixels are there."""
    from PIL import Image  # noqa: PLC0415

    try:
        orientation = original.getexif().get(ORIENTATION, 1)
    except Exception:  # noqa: BLE001 - TIFF's parser raises nearly anything
        return small
    turns = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_270,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_90,
    }
    return small if orientation not in turns else small.transpose(turns[orientation])


def main() -> None:
    """Read, shrink, answer."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    content = b""
    try:
        content, width, height = fitted(sys.stdin.buffer.read(), int(sys.argv[1]))
        members: dict[str, object] = {"width": width, "height": height}
    except Refused as refused:
        members = {"refused": refused.kind, "detail": refused.detail}
    sys.stdout.buffer.write(json.dumps(members).encode() + b"\n" + content)


if __name__ == "__main__":
    main()
