"""How training images vary: what --augment, --crop-scale, --color-jitter and --rotation ask for."""

from dataclasses import dataclass

import numpy as np
from arguments import Arguments
from images import Pixels, random_crop
from PIL import Image, ImageEnhance
from trivial_augment import trivial_augment

ENHANCERS = (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color)


@dataclass(frozen=True)
class Augmentation:
    """A random square of an image, mirrored half the time, and then turned, coloured or given to TrivialAugment."""

    crop_scale: float = 0.5
    rotation: float = 0.0
    color_jitter: float = 0.0
    trivial: bool = False

    def __call__(self, pixels: Pixels, size: int, random: np.random.Generator) -> Pixels:
        """uint8 [height, width, 3] -> uint8 [size, size, 3]; all that is drawn comes from `random`."""
        square = random_crop(pixels, size, random, self.crop_scale)
        if not (self.rotation or self.color_jitter or self.trivial):
            return square
        image = Image.fromarray(square)
        if self.rotation:
            image = image.rotate(random.uniform(-self.rotation, self.rotation), Image.Resampling.BILINEAR)
        if self.color_jitter:
            image = jittered(image, self.color_jitter, random)
        if self.trivial:
            image = trivial_augment(image, random)
        return np.asarray(image)


def augmentation_of(arguments: Arguments) -> Augmentation | None:
    """What the flags ask for; None: images stay as they are."""
    if arguments.augment == "none":
        return None
    return Augmentation(
        crop_scale=arguments.crop_scale,
        rotation=arguments.rotation,
        color_jitter=arguments.color_jitter,
        trivial=arguments.augment == "trivial",
    )


def jittered(image: Image.Image, strength: float, random: np.random.Generator) -> Image.Image:
    """Brightness, contrast and saturation times 1 - strength to 1 + strength each, in random order."""
    for index in random.permutation(len(ENHANCERS)):
        image = ENHANCERS[index](image).enhance(random.uniform(1 - strength, 1 + strength))
    return image
