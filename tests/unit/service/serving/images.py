"""Small images for tests: real ones, written by Pillow."""

import io

from PIL import Image

FORMATS = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "WEBP": "image/webp",
    "BMP": "image/bmp",
    "GIF": "image/gif",
}


def encoded(image_format: str = "JPEG", size: tuple[int, int] = (8, 6)) -> bytes:
    """A one-coloured image as a file's bytes."""
    buffer = io.BytesIO()
    Image.new("RGB", size, (200, 120, 40)).save(buffer, image_format)
    return buffer.getvalue()
