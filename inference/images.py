"""The bytes of an image file -> an upright RGB image. The bytes decide the format: a wrong content type is forgiven."""

import importlib
import io

import numpy as np
from errors import ImageTooLarge, UnreadableImage, UnsupportedMediaType
from PIL import Image, UnidentifiedImageError

MAX_PIXELS = 64_000_000  # a transparent PNG of this size takes about 600 MB while it is decoded
SUPPORTED = "JPEG, PNG, WebP, BMP or GIF bytes, or a uint8 array as application/x-npy"
# A JPEG decodes at 1/2, 1/4 or 1/8 in a fraction of the time. From about three times the size that it is resized to
# (256) the tensor stays within 5e-3 of the fully decoded one on average; 12 megapixels (4000x3000) decode at 1/4.
JPEG_DRAFT_SIDE = 750
BMP_HEADER_SIZES = {12, 40, 52, 56, 64, 108, 124}
ISO_BRANDS = {b"heic": "HEIC", b"heix": "HEIC", b"mif1": "HEIC", b"avif": "AVIF", b"avis": "AVIF"}
ORIENTATION = 0x0112  # EXIF's tag; all of Pillow's names for tags cost 7 ms to import
# What undoes each value of it.
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def load_formats() -> None:
    """Import what Pillow reads the formats with. The first image would do it, and a WebP import all seventy formats."""
    Image.preinit()
    importlib.import_module("PIL.WebPImagePlugin")


def decode(body: bytes, content_type: str) -> Image.Image:
    """The image upright, mode RGB, a JPEG perhaps at a fraction of its size but not below JPEG_DRAFT_SIDE.

    Transparency is laid on white, 16 bits become 8, an animation gives its first frame. Raises UnsupportedMediaType,
    UnreadableImage, and ImageTooLarge above MAX_PIXELS before anything is decoded.
    """
    if not body:
        raise UnreadableImage(f"The request has no bytes: send {SUPPORTED}.")
    image_format = format_of(body)
    if image_format is None:
        raise UnsupportedMediaType(
            f"The body ({content_type or 'no content type'}) is {_description(body)}: send {SUPPORTED}."
        )
    _check_png_header(image_format, body)
    try:
        with Image.open(io.BytesIO(body), formats=[image_format]) as image:
            _check_pixels(image.width, image.height)
            image.draft(None, (JPEG_DRAFT_SIDE, JPEG_DRAFT_SIDE))
            image.load()
            return _rgb(_upright(image))
    except (ImageTooLarge, UnreadableImage, MemoryError):
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageTooLarge(_too_large("The image")) from error
    except Exception as error:  # Pillow raises a dozen classes on damaged bytes
        if _is_truncated(image_format, body, error):
            raise UnreadableImage(
                f"The image file is truncated: only its first {len(body):,} bytes arrived."
            ) from error
        reason = "its header cannot be read" if isinstance(error, UnidentifiedImageError) else error
        raise UnreadableImage(f"The {image_format} image is damaged: {reason}.") from error


def format_of(body: bytes) -> str | None:
    """Pillow's name of the format that the first bytes announce, None for one that is not read."""
    if body.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if body.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if body[:4] == b"RIFF" and body[8:12] == b"WEBP":
        return "WEBP"
    if body.startswith((b"GIF87a", b"GIF89a")):
        return "GIF"
    if body[:2] == b"BM" and int.from_bytes(body[14:18], "little") in BMP_HEADER_SIZES:
        return "BMP"
    return None


def _description(body: bytes) -> str:
    if body[4:8] == b"ftyp" and body[8:12] in ISO_BRANDS:
        return f"a {ISO_BRANDS[body[8:12]]} image, which is not read"
    if body.startswith((b"II*\0", b"MM\0*")):
        return "a TIFF image, which is not read"
    if body.startswith(b"%PDF"):
        return "a PDF document"
    return "not an image that is read"


def _too_large(what: str) -> str:
    return f"{what} has more than {MAX_PIXELS:,} pixels: scale it down."


def _check_pixels(width: int, height: int) -> None:
    if width < 1 or height < 1:
        raise UnreadableImage(f"The image has {width} x {height} pixels.")
    if width * height > MAX_PIXELS:
        raise ImageTooLarge(_too_large(f"The image of {width} x {height}"))


def _check_png_header(image_format: str, body: bytes) -> None:
    """Width and height come first: a PNG that announces too much is refused as such, whatever follows or is missing."""
    if image_format == "PNG" and body[12:16] == b"IHDR" and len(body) >= 24:
        _check_pixels(int.from_bytes(body[16:20], "big"), int.from_bytes(body[20:24], "big"))


def _is_truncated(image_format: str, body: bytes, error: Exception) -> bool:
    if image_format == "WEBP":  # libwebp does not say so, the RIFF header does
        return int.from_bytes(body[4:8], "little") + 8 > len(body)
    return "truncated" in str(error).lower() or isinstance(error, EOFError)


def _upright(image: Image.Image) -> Image.Image:
    """Turned as the camera noted. A damaged note is as good as none: the pixels are there."""
    try:
        orientation = image.getexif().get(ORIENTATION, 1)
    except Exception:  # noqa: BLE001 - TIFF's parser raises nearly anything
        return image
    turn = TURNS.get(orientation)
    return image if turn is None else image.transpose(turn)


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):  # 16 bits a pixel; convert() would clip instead of scaling
        return Image.fromarray((np.asarray(image).clip(0, 65535) >> 8).astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        image = image if image.mode == "RGBA" else image.convert("RGBA")
        white = Image.new("RGB", image.size, "white")
        white.paste(image, mask=image.getchannel("A"))
        return white
    return image if image.mode == "RGB" else image.convert("RGB")
