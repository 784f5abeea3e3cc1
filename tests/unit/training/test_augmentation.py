import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from PIL import Image

from tests.unit.training.scripts import Scripts


def photograph(size: int = 120) -> Image.Image:
    from skimage import data

    return Image.fromarray(data.chelsea()).resize((size + 17, size))


def by_torchvision(image: Image.Image, name: str, strength: float) -> npt.NDArray[np.uint8]:
    """The same operation, as torchvision's TrivialAugmentWide applies it."""
    from torchvision.transforms.v2 import InterpolationMode, TrivialAugmentWide

    applied: Image.Image = TrivialAugmentWide()._apply_image_or_video_transform(
        image,
        name,
        strength,
        interpolation=InterpolationMode.NEAREST,
        fill={Image.Image: None},
    )
    return np.asarray(applied)


def operations() -> dict[str, Any]:
    return dict(Scripts().trivial_augment.OPERATIONS)


@pytest.mark.parametrize("name", operations())
def test_operations_are_torchvisions(scripts: Scripts, name: str) -> None:
    from torchvision.transforms.v2 import TrivialAugmentWide

    trivial = scripts.trivial_augment
    operation, image = trivial.OPERATIONS[name], photograph()
    magnitudes, signed = TrivialAugmentWide._AUGMENTATION_SPACE[name]
    strengths = magnitudes(31, *image.size)
    assert operation.signed is signed
    for step in (0, 1, 7, 15, 29, 30):
        strength = trivial.strength(operation, step)
        if strengths is None:
            assert strength == 0
        elif name == "Posterize":
            assert round(strength) == int(strengths[step])
            strength = float(strengths[step])
        else:
            assert strength == pytest.approx(float(strengths[step]), abs=1e-5)
        for sign in (1, -1) if signed else (1,):
            expected = by_torchvision(image, name, sign * strength)
            actual = np.asarray(operation.apply(image, sign * strength))
            # float32 against float64 may put a pixel beyond an edge of its neighbour's
            differing = (np.abs(actual.astype(int) - expected.astype(int)).max(2) > 1).mean()
            assert differing < 0.002, (step, sign)


def test_all_operations_are_those_of_torchvision() -> None:
    from torchvision.transforms.v2 import TrivialAugmentWide

    assert list(operations()) == list(TrivialAugmentWide._AUGMENTATION_SPACE)


def augmentation(scripts: Scripts, *flags: str) -> Any:
    return scripts.augmentation.augmentation_of(scripts.arguments.parse_arguments(flags, cpus=1, description=""))


def test_flags_become_an_augmentation(scripts: Scripts) -> None:
    assert augmentation(scripts, "--augment", "none") is None
    kind = scripts.augmentation.Augmentation
    assert augmentation(scripts) == kind()
    assert augmentation(scripts, "--augment", "trivial", "--crop-scale", "0.3") == kind(crop_scale=0.3, trivial=True)
    assert augmentation(scripts, "--rotation", "20", "--color-jitter", "0.4") == kind(rotation=20, color_jitter=0.4)


@pytest.mark.parametrize(
    "flags", [[], ["--augment", "trivial"], ["--rotation", "30", "--color-jitter", "0.5"]], ids=str
)
def test_squares_are_repeatable_and_vary(scripts: Scripts, flags: list[str]) -> None:
    vary, pixels = augmentation(scripts, *flags), np.asarray(photograph())
    squares = [vary(pixels, 64, np.random.default_rng(seed)) for seed in range(40)]
    assert {(square.shape, square.dtype) for square in squares} == {((64, 64, 3), np.dtype(np.uint8))}
    assert len({square.tobytes() for square in squares}) == 40
    assert (vary(pixels, 64, np.random.default_rng(7)) == squares[7]).all()


def test_crop_alone_is_what_it_was(scripts: Scripts) -> None:
    pixels = np.asarray(photograph())
    cropped = scripts.images.random_crop(pixels, 64, np.random.default_rng(3))
    assert (augmentation(scripts)(pixels, 64, np.random.default_rng(3)) == cropped).all()


def test_the_crops_keep_what_is_asked(scripts: Scripts) -> None:
    """A ramp of gray from left to right: what a crop spans of it is its width."""
    ramp = np.broadcast_to(np.linspace(0, 255, 200).astype(np.uint8)[None, :, None], (200, 200, 3)).copy()
    for least in (0.1, 0.9):
        vary = augmentation(scripts, "--crop-scale", str(least))
        spans = [int(np.ptp(vary(ramp, 64, np.random.default_rng(seed)))) / 255 for seed in range(60)]
        assert min(spans) > math.sqrt(least * 3 / 4) - 0.05
        assert (min(spans) < 0.6) is (least == 0.1)


def test_colours_vary_as_torchvisions_do(scripts: Scripts) -> None:
    from torchvision.transforms.v2 import functional

    image = photograph()
    jittered = np.asarray(scripts.augmentation.jittered(image, 0.3, np.random.default_rng(5)))
    random = np.random.default_rng(5)
    expected = image
    adjust = [functional.adjust_brightness, functional.adjust_contrast, functional.adjust_saturation]
    for index in random.permutation(3):
        expected = adjust[index](expected, random.uniform(0.7, 1.3))
    assert (jittered == np.asarray(expected)).all()


def test_nothing_of_torchs_random_numbers_is_used(scripts: Scripts) -> None:
    before = torch.get_rng_state()
    augmentation(scripts, "--augment", "trivial")(np.asarray(photograph()), 64, np.random.default_rng(1))
    assert torch.equal(before, torch.get_rng_state())
