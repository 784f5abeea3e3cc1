import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from PIL import Image

from tests.unit.training.scripts import Scripts

Photograph = Callable[..., Path]


def assert_red_then_blue(pixels: npt.NDArray[np.uint8], tolerance: int = 40) -> None:
    height, width = pixels.shape[:2]
    left, right = pixels[height // 2, width // 4].astype(int), pixels[height // 2, 3 * width // 4].astype(int)
    assert np.abs(left - (255, 0, 0)).max() <= tolerance, left
    assert np.abs(right - (0, 0, 255)).max() <= tolerance, right


@pytest.mark.parametrize(
    ("name", "mode"),
    [
        ("dog.jpg", "RGB"),
        ("cmyk.jpg", "CMYK"),
        ("dog.png", "RGB"),
        ("palette.png", "P"),
        ("alpha.png", "RGBA"),
        ("dog.webp", "RGB"),
        ("dog.bmp", "RGB"),
        ("dog.gif", "P"),
        ("dog.tif", "RGB"),
    ],
)
def test_formats_and_modes(scripts: Scripts, photograph: Photograph, name: str, mode: str) -> None:
    pixels = scripts.images.read_image(photograph(name, mode=mode), 20)
    assert (pixels.shape, pixels.dtype) == ((20, 40, 3), np.uint8)
    assert_red_then_blue(pixels)


def test_a_turned_photograph_is_read_upright(scripts: Scripts, photograph: Photograph, tmp_path: Path) -> None:
    turned = Image.open(photograph()).transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be shown a quarter turn clockwise
    turned.save(tmp_path / "turned.jpg", exif=exif)
    pixels = scripts.images.read_image(tmp_path / "turned.jpg", 20)
    assert pixels.shape == (20, 40, 3)
    assert_red_then_blue(pixels)


def test_sixteen_bits_become_eight(scripts: Scripts, tmp_path: Path) -> None:
    Image.fromarray(np.full((8, 8), 0x80FF, np.uint16)).save(tmp_path / "gray16.png")
    assert (scripts.images.read_image(tmp_path / "gray16.png", 8) == 0x80).all()


def test_transparency_lies_on_white(scripts: Scripts, tmp_path: Path) -> None:
    Image.new("RGBA", (8, 8), (255, 0, 0, 0)).save(tmp_path / "clear.png")
    Image.new("LA", (8, 8), (0, 0)).save(tmp_path / "gray.png")
    for name in ("clear.png", "gray.png"):
        assert (scripts.images.read_image(tmp_path / name, 8) == 255).all()


def test_files_that_are_no_image(scripts: Scripts, photograph: Photograph, tmp_path: Path) -> None:
    whole = photograph("whole.jpg", size=(400, 400)).read_bytes()
    for name, content in (("empty.jpg", b""), ("text.jpg", b"a dog"), ("cut.jpg", whole[: len(whole) // 2])):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(scripts.images.UnreadableImage) as caught:
            scripts.images.read_image(tmp_path / name, 20)
        assert str(caught.value)
        assert str(tmp_path) not in str(caught.value)


def test_the_number_of_pixels_is_bounded_before_decoding(scripts: Scripts, tmp_path: Path) -> None:
    header = (
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + (8500).to_bytes(4, "big") + (8500).to_bytes(4, "big") + b"\x08\x02\0\0\0"
    )
    chunk = (
        header + zlib.crc32(header[12:]).to_bytes(4, "big") + b"\0\0\0\0IDAT" + zlib.crc32(b"IDAT").to_bytes(4, "big")
    )
    (tmp_path / "bomb.png").write_bytes(chunk)
    with pytest.raises(scripts.images.UnreadableImage, match="8500 x 8500 pixels, more than 64,000,000"):
        scripts.images.read_image(tmp_path / "bomb.png", 20)


def test_a_very_long_image_does_not_fill_the_memory(scripts: Scripts, photograph: Photograph) -> None:
    assert scripts.images.read_image(photograph("long.png", size=(5000, 10)), 64).shape == (64, 256, 3)


def test_evaluation_sees_what_torchvision_would_show(scripts: Scripts, tmp_path: Path) -> None:
    from skimage import data
    from torchvision.transforms import v2

    Image.fromarray(data.chelsea()).save(tmp_path / "cat.png")
    preprocessing = scripts.images.Preprocessing(96, 110, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    square = scripts.images.center_crop(scripts.images.read_image(tmp_path / "cat.png", 110), 96)
    actual = scripts.images.to_tensor([square], preprocessing, torch.device("cpu"))[0]
    steps = [v2.Resize(110), v2.CenterCrop(96), v2.PILToTensor(), v2.ToDtype(torch.float32, scale=True)]
    steps.append(v2.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))
    expected = v2.Compose(steps)(Image.open(tmp_path / "cat.png"))
    assert torch.allclose(actual, expected, atol=1e-6)


def test_random_crops_are_squares_of_the_image_and_repeatable(scripts: Scripts, photograph: Photograph) -> None:
    pixels = scripts.images.read_image(photograph(), 37)
    crops = [scripts.images.random_crop(pixels, 32, np.random.default_rng(seed)) for seed in range(50)]
    assert {crop.shape for crop in crops} == {(32, 32, 3)}
    assert len({crop.tobytes() for crop in crops}) > 20
    again = scripts.images.random_crop(pixels, 32, np.random.default_rng(7))
    assert (again == crops[7]).all()
    sides = {bool(crop[16, 1, 0] > crop[16, 1, 2]) for crop in crops if crop[16, 1, 0] != crop[16, 30, 0]}
    assert sides == {True, False}, "about half of them are mirrored"
