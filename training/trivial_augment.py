"""TrivialAugment (wide): one operation an image, of one strength, both drawn evenly.

Operations and strengths are those of torchvision's TrivialAugmentWide, on Pillow, for importing torchvision costs more
CPU time than a short job's training does.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageEnhance, ImageOps

STRENGTHS = 31

Affine = tuple[float, float, float, float, float, float]  # of Pillow: from a place in the result to one in the image


@dataclass(frozen=True)
class Operation:
    """`apply` with a strength from `weakest` to `strongest`, of either sign where it is `signed`."""

    apply: Callable[[Image.Image, float], Image.Image]
    weakest: float = 0.0
    strongest: float = 0.0
    signed: bool = False


def affine(matrix: Callable[[float], Affine]) -> Callable[[Image.Image, float], Image.Image]:
    """An operation that moves pixels; what comes from outside the image is black."""

    def apply(image: Image.Image, strength: float) -> Image.Image:
        return image.transform(image.size, Image.Transform.AFFINE, matrix(strength), Image.Resampling.NEAREST)

    return apply


def enhanced(kind: Callable[[Image.Image], ImageEnhance._Enhance]) -> Callable[[Image.Image, float], Image.Image]:
    """An operation that goes from the image towards, or away from, its plain version."""
    return lambda image, strength: kind(image).enhance(1 + strength)


OPERATIONS: dict[str, Operation] = {
    "Identity": Operation(lambda image, _: image),
    "ShearX": Operation(affine(lambda shear: (1, shear, 0, 0, 1, 0)), 0, 0.99, signed=True),
    "ShearY": Operation(affine(lambda shear: (1, 0, 0, shear, 1, 0)), 0, 0.99, signed=True),
    "TranslateX": Operation(affine(lambda pixels: (1, 0, -int(pixels), 0, 1, 0)), 0, 32, signed=True),
    "TranslateY": Operation(affine(lambda pixels: (1, 0, 0, 0, 1, -int(pixels))), 0, 32, signed=True),
    "Rotate": Operation(lambda image, degrees: image.rotate(degrees), 0, 135, signed=True),
    "Brightness": Operation(enhanced(ImageEnhance.Brightness), 0, 0.99, signed=True),
    "Color": Operation(enhanced(ImageEnhance.Color), 0, 0.99, signed=True),
    "Contrast": Operation(enhanced(ImageEnhance.Contrast), 0, 0.99, signed=True),
    "Sharpness": Operation(enhanced(ImageEnhance.Sharpness), 0, 0.99, signed=True),
    "Posterize": Operation(lambda image, bits: ImageOps.posterize(image, round(bits)), 8, 2),
    "Solarize": Operation(lambda image, share: ImageOps.solarize(image, 255 * share), 1, 0),  # type: ignore[arg-type] # any number does
    "AutoContrast": Operation(lambda image, _: ImageOps.autocontrast(image)),
    "Equalize": Operation(lambda image, _: ImageOps.equalize(image)),
}


def trivial_augment(image: Image.Image, random: np.random.Generator) -> Image.Image:
    """The image after one operation."""
    operation = list(OPERATIONS.values())[random.integers(len(OPERATIONS))]
    step = int(random.integers(STRENGTHS))
    sign = -1 if operation.signed and random.random() < 0.5 else 1
    return operation.apply(image, sign * strength(operation, step))


def strength(operation: Operation, step: int) -> float:
    """The strength of step 0 to 30: all are equally far apart."""
    return operation.weakest + (operation.strongest - operation.weakest) * step / (STRENGTHS - 1)
