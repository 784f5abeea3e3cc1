"""Images that are shrunk to what the endpoint takes."""

import asyncio
import io
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from service import image_fitting
from service.domain import fitted_images
from service.domain.fitted_images import ImageFitter
from service.errors import PayloadTooLarge, Throttled
from service.image_fitting import NO_IMAGE, TOO_LARGE, Refused, fitted
from service.settings import REPOSITORY_DIR
from tests.unit.service.serving.conftest import Serve
from tests.unit.service.serving.fake_runtime import FakeRuntime
from tests.unit.service.serving.images import FORMATS, encoded

LIMIT = 20_000
ORIENTATION = 0x0112


def noise(mode: str = "RGB", size: tuple[int, int] = (300, 200)) -> Image.Image:
    """A picture that no format makes small."""
    bands = len(Image.new(mode, (1, 1)).getbands())
    pixels = np.random.default_rng(3).integers(0, 256, (size[1], size[0], bands), dtype=np.uint8)
    return Image.fromarray(pixels.squeeze(), mode)


def saved(image: Image.Image, image_format: str = "PNG", **options: object) -> bytes:
    """The image as a file's bytes."""
    buffer = io.BytesIO()
    image.save(buffer, image_format, **options)
    return buffer.getvalue()


def opened(body: bytes) -> Image.Image:
    """What the model would see."""
    image = Image.open(io.BytesIO(body))
    assert image.format == "JPEG"
    assert image.mode == "RGB"
    return image


@pytest.mark.parametrize("image_format", FORMATS)
def test_every_format_comes_out_below_the_limit(image_format: str) -> None:
    body, width, height = fitted(saved(noise(), image_format), LIMIT)
    assert len(body) <= LIMIT
    assert opened(body).size == (width, height)
    assert width / height == pytest.approx(1.5, rel=0.03)
    assert width * height > 5_000  # no smaller than it has to be


def test_limits_of_all_sizes() -> None:
    body = saved(noise(), "JPEG", quality=95)
    sizes = [len(fitted(body, limit)[0]) for limit in (1_000, 5_000, 50_000)]
    assert [size <= limit for size, limit in zip(sizes, (1_000, 5_000, 50_000), strict=True)] == [True] * 3
    assert sizes == sorted(sizes)
    with pytest.raises(Refused, match="as small as 100 bytes") as refused:
        fitted(body, 100)
    assert refused.value.kind == TOO_LARGE


@pytest.mark.parametrize("orientation", range(1, 9))
def test_it_is_turned_as_the_camera_noted(orientation: int) -> None:
    image = Image.new("RGB", (120, 60), "blue")
    image.paste("red", (0, 0, 60, 30))  # the quarter at the top left of what was stored
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    body, width, height = fitted(saved(image, "JPEG", exif=exif), LIMIT)
    assert (width, height) == ((120, 60) if orientation < 5 else (60, 120))
    shown = opened(body)
    assert ORIENTATION not in shown.getexif()
    x, y = {1: (0, 0), 2: (1, 0), 3: (1, 1), 4: (0, 1), 5: (0, 0), 6: (1, 0), 7: (1, 1), 8: (0, 1)}[orientation]
    red, _, blue = shown.getpixel((width // 4 + x * width // 2, height // 4 + y * height // 2))  # type: ignore[misc]
    assert red > 200
    assert blue < 60


@pytest.mark.parametrize(("mode", "image_format"), [("L", "PNG"), ("CMYK", "JPEG"), ("RGBA", "PNG"), ("LA", "PNG")])
def test_other_colours(mode: str, image_format: str) -> None:
    assert opened(fitted(saved(noise(mode), image_format), LIMIT)[0]).width > 10


def test_what_is_transparent_becomes_white_and_sixteen_bits_become_eight() -> None:
    clear = Image.new("RGBA", (40, 40), (0, 0, 0, 0))
    assert opened(fitted(saved(clear), LIMIT)[0]).getpixel((20, 20)) == (255, 255, 255)
    grey = Image.fromarray(np.full((40, 40), 0x8000, dtype=np.uint16))
    assert opened(fitted(saved(grey), LIMIT)[0]).getpixel((20, 20)) == pytest.approx((128, 128, 128), abs=2)


def test_too_many_pixels_are_refused_before_they_are_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_fitting, "MAX_PIXELS", 59_999)
    with pytest.raises(Refused, match="300 x 200 pixels, more than the 59,999") as refused:
        fitted(saved(noise()), LIMIT)
    assert refused.value.kind == TOO_LARGE


@pytest.mark.parametrize("body", [b"\xff\xd8\xff", b"", saved(noise(), "JPEG")[:2_000], saved(noise())[:2_000]])
def test_what_cannot_be_decoded(body: bytes) -> None:
    with pytest.raises(Refused, match="cannot be decoded") as refused:
        fitted(body, LIMIT)
    assert refused.value.kind == NO_IMAGE
    assert "0x" not in refused.value.detail


def test_through_the_service(serve: Serve, fake_runtime: FakeRuntime) -> None:
    large = saved(noise(), "JPEG", quality=95)
    client = serve(max_image_bytes=LIMIT)
    assert client.post("/predict", content=large).status_code == 413
    assert fake_runtime.asked == []
    answer = client.post("/predict", content=large, params={"fit": "true"})
    assert answer.status_code == 200, answer.text
    (asked,) = fake_runtime.asked
    told = answer.json()["fitted"]
    assert told["original_bytes"] == len(large)
    assert told["sent_bytes"] == len(asked.body) <= LIMIT
    assert opened(asked.body).size == (told["width"], told["height"])
    assert asked.headers["Content-Type"] == "image/jpeg"
    fake_runtime.asked.clear()
    files = [("file", ("small.png", encoded("PNG"))), ("file", ("large.jpg", large))]
    small_one, large_one = client.post("/predict", files=files, params={"fit": "true"}).json()["items"]
    assert "fitted" not in small_one
    assert large_one["fitted"] == told
    assert encoded("PNG") in {asked.body for asked in fake_runtime.asked}  # as it came


def test_what_cannot_be_shrunk_is_told(serve: Serve, fake_runtime: FakeRuntime) -> None:
    client = serve(max_image_bytes=LIMIT, max_fit_bytes=100_000)
    torn = saved(noise(), "JPEG", quality=95)[: LIMIT + 1_000]
    answer = client.post("/predict", content=torn, params={"fit": "true"})
    assert answer.status_code == 422
    assert answer.json()["type"] == "urn:sagehound:problem:unreadable-image"
    too_large = client.post("/predict", content=encoded().ljust(100_001, b"\0"), params={"fit": "true"})
    assert too_large.status_code == 413
    assert "100,000 bytes" in too_large.json()["detail"]
    assert "fit=true" not in too_large.json()["action"]
    assert fake_runtime.asked == []


def test_too_many_at_once_are_asked_to_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitted_images, "AT_ONCE", 0)
    monkeypatch.setattr(fitted_images, "TURN_SECONDS", 0.05)
    monkeypatch.setattr(fitted_images, "WAITING", 2)

    async def ask() -> list[object]:
        fitter = ImageFitter()
        return list(await asyncio.gather(*(fitter.fit(b"", LIMIT) for _ in range(3)), return_exceptions=True))

    *waited, refused = asyncio.run(ask())
    assert all(isinstance(problem, Throttled) for problem in (*waited, refused))
    assert "2 large images wait" in str(refused)
    assert "0.05 s" in str(waited[0])


def test_a_process_that_is_killed_or_takes_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitted_images, "PROGRAM", "tests.unit.service.serving.stuck_fitting")
    with pytest.raises(PayloadTooLarge, match="more memory or time"):
        asyncio.run(ImageFitter().fit(b"die", LIMIT))
    monkeypatch.setattr(fitted_images, "SECONDS", 0.5)
    with pytest.raises(PayloadTooLarge, match=r"longer than 0\.5 s"):
        asyncio.run(ImageFitter().fit(b"hang", LIMIT))
    monkeypatch.setattr(fitted_images, "PROGRAM", "tests.unit.service.serving.no_such_program")
    monkeypatch.setattr(fitted_images, "SECONDS", 20.0)
    with pytest.raises(RuntimeError, match="status 1"):
        asyncio.run(ImageFitter().fit(b"", LIMIT))


def test_the_process_that_serves_never_imports_what_decodes() -> None:
    program = "import sys, service.app; service.app.create_app(); sys.exit('PIL' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY_DIR, check=False).returncode == 0
