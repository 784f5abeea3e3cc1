"""What the network sees is what torchvision's transforms made of the image in training."""

import functools
import io
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import skimage
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps
from torchvision import transforms

from tests.unit.inference.test_images import file

Modules = dict[str, ModuleType]
PHOTOGRAPHS = Path(skimage.__file__).parent / "data"
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def description(modules: Modules, image_size: int = 224, resize_size: int = 256) -> Any:
    return modules["artifact"].Description("resnet18", "v", image_size, resize_size, MEAN, STD)


def torchvision_tensor(body: bytes, image_size: int = 224, resize_size: int = 256) -> Any:
    steps = transforms.Compose(
        [
            transforms.Resize(resize_size),
            transforms.CenterCrop(image_size),
            transforms.ToTensor(),
            transforms.Normalize(MEAN, STD),
        ]
    )
    with Image.open(io.BytesIO(body)) as image:
        result = steps(ImageOps.exif_transpose(image).convert("RGB"))
    assert isinstance(result, torch.Tensor)
    return result.numpy()


ROUNDED = 1 / 50  # of all values, at most, and by one level


def levels(modules: Modules, body: bytes, image_size: int = 224, resize_size: int = 256) -> tuple[float, float]:
    """The share of values that are off, and by how many of their 255 levels at most."""
    got, expected = tensors(modules, body, image_size, resize_size)
    off = np.abs(got - expected) * (np.array(STD, np.float32) * 255)[:, np.newaxis, np.newaxis]
    assert np.abs(off - off.round()).max() < 1e-3  # normalisation itself is exact
    return float((off > 0.5).mean()), float(off.max().round())


def tensors(modules: Modules, body: bytes, image_size: int = 224, resize_size: int = 256) -> tuple[Any, Any]:
    """The tensor, and torchvision's."""
    image = modules["inference"].input_fn(body, "application/octet-stream")
    got = modules["tensors"].tensor(image, description(modules, image_size, resize_size))
    expected = torchvision_tensor(body, image_size, resize_size)
    assert got.shape == expected.shape == (3, image_size, image_size)
    assert got.dtype == np.float32
    return got, expected


@functools.cache
def photograph(name: str) -> Image.Image:
    with Image.open(PHOTOGRAPHS / name) as image:
        return image.convert("RGB")


@pytest.mark.parametrize("name", ["astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg"])
@pytest.mark.parametrize("size", [None, (500, 375), (360, 640), (200, 300), (257, 1031), (1031, 257)])
def test_as_torchvision_but_for_rounding(modules: Modules, name: str, size: tuple[int, int] | None) -> None:
    image = photograph(name)
    share, most = levels(modules, file(image if size is None else image.resize(size), "JPEG", quality=90))
    assert share < 5e-3
    assert most <= 1


@pytest.mark.parametrize("image_format", ["PNG", "WEBP", "BMP"])
def test_other_formats(modules: Modules, image_format: str) -> None:
    share, most = levels(modules, file(photograph("rocket.jpg"), image_format))
    assert share < 5e-3
    assert most <= 1


@settings(max_examples=25, deadline=None)
@given(width=st.integers(8, 900), height=st.integers(8, 900))
def test_any_size(modules: Modules, width: int, height: int) -> None:
    share, most = levels(modules, file(photograph("chelsea.png").resize((width, height)), "BMP"))
    assert share < 1 / 5  # at some sizes many values lie half way between two levels: 8 % are off at 832x341
    assert most <= 1


@pytest.mark.parametrize("name", ["camera.png", "coins.png", "page.png", "retina.jpg", "hubble_deep_field.jpg"])
def test_photographs_as_they_are(modules: Modules, name: str) -> None:
    """Grayscale and colour, wide, square and over a million pixels."""
    share, most = levels(modules, (PHOTOGRAPHS / name).read_bytes())
    assert share < ROUNDED
    assert most <= 1


@pytest.mark.parametrize("orientation", range(1, 9))
def test_turned_as_the_camera_noted(modules: Modules, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    share, most = levels(modules, file(photograph("coffee.png"), "JPEG", quality=90, exif=exif))
    assert share < 5e-3
    assert most <= 1


@pytest.mark.parametrize("mode", ["CMYK", "L", "P", "1", "I;16"])
def test_other_modes(modules: Modules, mode: str) -> None:
    image = photograph("coffee.png")
    if mode == "I;16":
        gray = np.asarray(image.convert("L")).astype(np.uint16)
        body, eight_bits = file(Image.fromarray(gray * 257), "PNG"), file(image.convert("L"), "PNG")
        assert np.array_equal(tensors(modules, body)[0], tensors(modules, eight_bits)[0])  # torchvision would clip
    else:
        share, most = levels(modules, file(image.convert(mode), "JPEG" if mode == "CMYK" else "PNG"))
        assert share < 5e-3
        assert most <= 1


@pytest.mark.parametrize("size", [(4000, 3000), (1500, 3000)])
def test_a_large_jpeg_decoded_smaller_stays_close(modules: Modules, size: tuple[int, int]) -> None:
    """With a sensor's grain, which a smaller decoding averages in its own way."""
    grain = Image.effect_noise(size, 40).convert("RGB")
    for name in ("astronaut.png", "rocket.jpg"):
        large = photograph(name).resize(size, Image.Resampling.BICUBIC)
        body = file(Image.blend(large, grain, 0.15), "JPEG", quality=90)
        decoded = modules["images"].decode(body, "image/jpeg")
        assert min(decoded.size) == modules["images"].JPEG_DRAFT_SIDE
        got, expected = tensors(modules, body)
        assert np.abs(got - expected).mean() < 5e-3


@pytest.mark.parametrize(("image_size", "resize_size"), [(96, 110), (32, 36), (224, 224), (225, 232), (299, 342)])
def test_other_sizes(modules: Modules, image_size: int, resize_size: int) -> None:
    share, most = levels(modules, file(photograph("chelsea.png"), "PNG"), image_size, resize_size)
    assert share < ROUNDED
    assert most <= 1


@pytest.mark.parametrize("size", [(1, 1), (1, 90), (90, 1), (3, 2)])
def test_tiny_and_thin(modules: Modules, size: tuple[int, int]) -> None:
    assert levels(modules, file(photograph("coffee.png").resize(size), "PNG"))[1] <= 1


@pytest.mark.parametrize("size", [(1, 1_000_000), (1_000_000, 1)])
def test_a_line_of_pixels_costs_no_more_than_its_crop(modules: Modules, size: tuple[int, int]) -> None:
    tensor = modules["tensors"].tensor(Image.new("RGB", size, "red"), description(modules))
    assert tensor.shape == (3, 224, 224)
    assert np.ptp(tensor[0]) == 0
