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
from PIL import Image
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
        result = steps(image.convert("RGB"))
    assert isinstance(result, torch.Tensor)
    return result.numpy()


ONE_LEVEL = 1 / 255 / min(STD) + 1e-5


def differences(modules: Modules, body: bytes, image_size: int = 224, resize_size: int = 256) -> tuple[float, float]:
    """Mean and greatest absolute difference, in normalised units."""
    image = modules["inference"].input_fn(body, "application/octet-stream")
    got = modules["tensors"].tensor(image, description(modules, image_size, resize_size))
    expected = torchvision_tensor(body, image_size, resize_size)
    assert got.shape == expected.shape == (3, image_size, image_size)
    assert got.dtype == np.float32
    return float(np.abs(got - expected).mean()), float(np.abs(got - expected).max())


@functools.cache
def photograph(name: str) -> Image.Image:
    with Image.open(PHOTOGRAPHS / name) as image:
        return image.convert("RGB")


@pytest.mark.parametrize("name", ["astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg"])
@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("size", [None, (500, 375), (200, 300), (257, 1031)])
def test_as_close_as_rounding(modules: Modules, name: str, image_format: str, size: tuple[int, int] | None) -> None:
    image = photograph(name)
    body = file(image if size is None else image.resize(size), image_format, quality=90)
    mean, greatest = differences(modules, body)
    assert mean < 4e-3
    assert greatest < ONE_LEVEL


@pytest.mark.parametrize("size", [(4000, 3000), (2100, 4200)])
def test_a_large_jpeg_decoded_smaller_stays_close(modules: Modules, size: tuple[int, int]) -> None:
    for name in ("astronaut.png", "rocket.jpg"):
        body = file(photograph(name).resize(size, Image.Resampling.BICUBIC), "JPEG")
        assert differences(modules, body)[0] < 5e-3


@pytest.mark.parametrize(("image_size", "resize_size"), [(96, 110), (32, 36), (224, 224), (225, 232), (299, 342)])
def test_other_sizes(modules: Modules, image_size: int, resize_size: int) -> None:
    body = file(photograph("chelsea.png"), "PNG")
    assert differences(modules, body, image_size, resize_size)[1] < ONE_LEVEL


@pytest.mark.parametrize("size", [(1, 1), (1, 900), (900, 1), (3, 2)])
def test_tiny_and_thin(modules: Modules, size: tuple[int, int]) -> None:
    assert differences(modules, file(photograph("coffee.png").resize(size), "PNG"))[1] < ONE_LEVEL


def test_a_line_of_pixels_costs_no_more_than_its_crop(modules: Modules) -> None:
    image = Image.new("RGB", (1, 1_000_000), "red")
    tensor = modules["tensors"].tensor(image, description(modules))
    assert tensor.shape == (3, 224, 224)
    assert np.ptp(tensor[0]) == 0
