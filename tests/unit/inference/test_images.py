"""Image bytes -> RGB image, through input_fn."""

import io
import struct
import zlib
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, PngImagePlugin

from tests.unit.inference.artifacts import BLUE, GREEN, RED

Modules = dict[str, ModuleType]


def picture(width: int = 60, height: int = 40) -> Image.Image:
    """Left half red, right half blue, lowest quarter green: no turn of it looks like another."""
    image = Image.new("RGB", (width, height), RED)
    image.paste(BLUE, (width // 2, 0, width, height))
    image.paste(GREEN, (0, height * 3 // 4, width, height))
    return image


def file(image: Image.Image, image_format: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, image_format, **options)
    return stream.getvalue()


def decoded(modules: Modules, body: bytes, content_type: str | None = "application/octet-stream") -> Image.Image:
    image = modules["inference"].input_fn(body, content_type)
    assert isinstance(image, Image.Image)
    assert image.mode == "RGB"
    return image


def refusal(modules: Modules, body: bytes, content_type: str | None = "image/png") -> Any:
    with pytest.raises(modules["errors"].RequestError) as caught:
        modules["inference"].input_fn(body, content_type)
    return caught.value


def distance(left: Image.Image, right: Image.Image) -> float:
    first: npt.NDArray[np.int16] = np.asarray(left, np.int16)
    return float(np.abs(first - np.asarray(right, np.int16)).mean())


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_header(width: int, height: int) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))


@pytest.mark.parametrize(
    ("image_format", "options"),
    [
        ("JPEG", {"quality": 95}),
        ("JPEG", {"quality": 95, "progressive": True}),
        ("PNG", {}),
        ("WEBP", {"lossless": True}),
        ("BMP", {}),
        ("GIF", {}),
    ],
)
def test_formats(modules: Modules, image_format: str, options: dict[str, Any]) -> None:
    image = decoded(modules, file(picture(), image_format, **options))
    assert image.size == (60, 40)
    assert distance(image, picture()) < 6


@pytest.mark.parametrize("content_type", ["image/png", "image/webp", "text/plain", "application/x-npy", "", None])
def test_a_content_type_that_lies_is_forgiven(modules: Modules, content_type: str | None) -> None:
    assert distance(decoded(modules, file(picture(), "JPEG", quality=95), content_type), picture()) < 6


def test_cmyk_jpeg(modules: Modules) -> None:
    image = decoded(modules, file(picture().convert("CMYK"), "JPEG", quality=95))
    assert distance(image, picture()) < 6


@pytest.mark.parametrize("mode", ["L", "1", "LA", "P", "RGBA"])
def test_png_modes(modules: Modules, mode: str) -> None:
    image = picture().convert(mode)
    assert distance(decoded(modules, file(image, "PNG")), image.convert("RGB")) < 1


def test_a_phone_s_jpeg_with_a_second_picture_behind(modules: Modules) -> None:
    body = file(picture(), "MPO", save_all=True, append_images=[Image.new("RGB", (60, 40), GREEN)], quality=95)
    assert body.startswith(b"\xff\xd8\xff")
    assert distance(decoded(modules, body), picture()) < 6


def test_grayscale_jpeg(modules: Modules) -> None:
    image = decoded(modules, file(picture().convert("L"), "JPEG", quality=95))
    assert distance(image, picture().convert("L").convert("RGB")) < 2


def test_sixteen_bits_are_scaled_not_clipped(modules: Modules) -> None:
    ramp = np.linspace(0, 65535, 64, dtype=np.uint16)
    image = decoded(modules, file(Image.fromarray(np.tile(ramp, (8, 1))), "PNG"))
    assert np.asarray(image)[0, :, 0].tolist() == (ramp >> 8).tolist()


@pytest.mark.parametrize("image_format", ["PNG", "WEBP"])
def test_transparency_is_laid_on_white(modules: Modules, image_format: str) -> None:
    image = picture().convert("RGBA")
    image.putalpha(Image.new("L", image.size, 0))
    image.paste((*GREEN, 255), (0, 0, 20, 40))
    got = np.asarray(decoded(modules, file(image, image_format, lossless=True)))
    assert got[20, 40].tolist() == [255, 255, 255]
    assert got[20, 10].tolist() == list(GREEN)


def test_transparent_palette(modules: Modules) -> None:
    image = picture().quantize(4)
    transparent = image.getpixel((0, 0))
    body = file(image, "PNG", transparency=bytes(0 if index == transparent else 255 for index in range(4)))
    got = np.asarray(decoded(modules, body))
    assert got[0, 0].tolist() == [255, 255, 255]
    assert got[0, 59].tolist() == list(BLUE)


def test_the_first_frame_of_an_animation(modules: Modules) -> None:
    frames = [Image.new("RGB", (20, 20), colour) for colour in (RED, GREEN, BLUE)]
    for image_format in ("GIF", "WEBP"):
        body = file(frames[0], image_format, save_all=True, append_images=frames[1:], lossless=True)
        assert distance(decoded(modules, body), frames[0]) < 1


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP"])
def test_exif_turns_the_image_upright(modules: Modules, image_format: str, orientation: int) -> None:
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = picture() if orientation == 1 else picture().transpose(undo[orientation])
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = decoded(modules, file(stored, image_format, exif=exif, quality=95))
    assert image.size == (60, 40)
    assert distance(image, picture()) < 6


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")  # a line in a server's log
def test_a_damaged_exif_block_costs_nothing(modules: Modules) -> None:
    for exif in (b"Exif\0\0", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + b"\xff" * 40):
        assert distance(decoded(modules, file(picture(), "JPEG", exif=exif, quality=95)), picture()) < 6


def test_a_large_jpeg_is_decoded_smaller_and_not_too_small(modules: Modules) -> None:
    image = decoded(modules, file(picture(4400, 2200), "JPEG"))
    assert image.size == (2200, 1100)


def test_no_bytes(modules: Modules) -> None:
    error = refusal(modules, b"", "image/jpeg")
    assert error.status_code == 400
    assert "no bytes" in str(error)


@pytest.mark.parametrize(
    ("body", "content_type", "words"),
    [
        (b"BM is how this text begins, and nothing else", "image/bmp", "image/bmp"),
        (b"just text, named dog.jpg", "image/jpeg", "image/jpeg"),
        (b'{"instances": []}', "application/json", "application/json"),
        (b"II*\0" + bytes(40), "image/tiff", "TIFF"),
        (b"\0\0\0\x20ftypheic" + bytes(40), "image/heic", "HEIC"),
        (b"\0\0\0\x20ftypavif" + bytes(40), "image/avif", "AVIF"),
        (b"%PDF-1.7 " + bytes(40), "application/pdf", "PDF"),
        (b"\xff", None, "no content type"),
    ],
)
def test_what_is_no_image_is_415(modules: Modules, body: bytes, content_type: str | None, words: str) -> None:
    error = refusal(modules, body, content_type)
    assert (type(error).__name__, error.status_code) == ("UnsupportedMediaType", 415)
    assert words in str(error)
    assert "JPEG, PNG, WebP, BMP or GIF" in str(error)


def test_text_as_the_toolkit_hands_it_over(modules: Modules) -> None:
    with pytest.raises(modules["errors"].UnsupportedMediaType, match="text/csv"):
        modules["inference"].input_fn("1,2,3", "text/csv")


def noise() -> Image.Image:
    return Image.fromarray(np.random.default_rng(7).integers(0, 255, (120, 160, 3), np.uint8))


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP", "BMP", "GIF"])
def test_a_truncated_file_says_so(modules: Modules, image_format: str) -> None:
    body = file(noise(), image_format)
    error = refusal(modules, body[: len(body) * 6 // 10])
    assert error.status_code == 400
    assert str(error).startswith("The image file is truncated")


@pytest.mark.parametrize("size", [(60_000, 60_000), (12_000, 9_000), (8_001, 8_000), (2**31 - 1, 2**31 - 1)])
def test_too_many_pixels_are_refused_before_decoding(modules: Modules, size: tuple[int, int]) -> None:
    # Between 89 and 179 megapixels Pillow warns: an exception here, a line in a server's log.
    error = refusal(modules, png_header(*size) + png_chunk(b"IDAT", zlib.compress(b"")) + png_chunk(b"IEND", b""))
    assert error.status_code == 413
    assert "64,000,000 pixels" in str(error)


def test_no_pixels(modules: Modules) -> None:
    assert refusal(modules, png_header(0, 10) + png_chunk(b"IDAT", zlib.compress(b""))).status_code == 400


def test_bombs_beside_the_pixels_stay_bounded(modules: Modules) -> None:
    bomb = zlib.compress(bytes(80_000_000), 9)
    head, rest = file(picture(), "PNG")[:33], file(picture(), "PNG")[33:]
    for chunk in (png_chunk(b"iCCP", b"icc\0\0" + bomb), png_chunk(b"zTXt", b"note\0\0" + bomb)):
        assert refusal(modules, head + chunk + rest).status_code == 400
    texts = PngImagePlugin.PngInfo()
    for number in range(70):
        texts.add_text(f"note {number}", "x" * 1_000_000, zip=True)
    assert refusal(modules, file(picture(), "PNG", pnginfo=texts)).status_code == 400


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP", "BMP", "GIF"])
def test_damaged_bytes_are_read_or_refused_with_a_status(modules: Modules, image_format: str) -> None:
    dice = np.random.default_rng(11)
    body = file(picture(), image_format)
    messages = []
    for _ in range(300):
        damaged = bytearray(body)
        for _ in range(dice.integers(1, 12)):
            damaged[dice.integers(0, len(damaged))] = dice.integers(0, 256)
        damaged = damaged[: dice.integers(1, len(damaged) + 1)]
        try:
            decoded(modules, bytes(damaged))
        except modules["errors"].RequestError as error:
            messages.append(str(error))
    assert len(messages) > 50
    assert not [message for message in messages if "0x" in message or not message.endswith(".")]
