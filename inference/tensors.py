"""RGB image -> what the network sees: the same as torchvision's Resize, CenterCrop, ToTensor and Normalize."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from artifact import Description
from PIL import Image

BILINEAR = Image.Resampling.BILINEAR


@dataclass(frozen=True)
class Normalisation:
    """value * scale + shift for a value in 0..255 of each channel: float32 [3]."""

    scale: npt.NDArray[np.float32]
    shift: npt.NDArray[np.float32]

    @classmethod
    def of(cls, description: Description) -> "Normalisation":
        """What makes (value / 255 - mean) / std of a value, to 1e-6."""
        mean, std = np.array(description.mean), np.array(description.std)
        return cls((1 / (255 * std)).astype(np.float32), (-mean / std).astype(np.float32))

    def write(self, crop: npt.NDArray[np.uint8], tensor: npt.NDArray[np.float32]) -> None:
        """Fill `tensor` [3, height, width] from `crop` [height, width, 3]."""
        np.multiply(crop.transpose(2, 0, 1), self.scale[:, np.newaxis, np.newaxis], out=tensor)
        np.add(tensor, self.shift[:, np.newaxis, np.newaxis], out=tensor)


@dataclass(frozen=True)
class Span:
    """Where the crop lies along one side of the image, in its pixels, and which whole pixels its filter reads."""

    start: float
    end: float
    first: int
    last: int

    @classmethod
    def of(cls, length: int, resized_length: int, crop_length: int) -> "Span":
        """The middle `crop_length` of a side that is resized from `length`."""
        scale = length / resized_length
        offset = round((resized_length - crop_length) / 2)
        start, end = offset * scale, (offset + crop_length) * scale
        reach = math.ceil(max(scale, 1)) + 1
        return cls(start, end, max(0, math.floor(start) - reach), min(length, math.ceil(end) + reach))


def tensor(image: Image.Image, description: Description) -> npt.NDArray[np.float32]:
    """float32 [3, image_size, image_size], normalised."""
    filled = np.empty((3, description.image_size, description.image_size), np.float32)
    Normalisation.of(description).write(crop(image, description), filled)
    return filled


def crop(image: Image.Image, description: Description) -> npt.NDArray[np.uint8]:
    """The resized image's centre: uint8 [image_size, image_size, 3].

    Only the pixels of the crop are computed, at the same places and with the same filter as in the resized whole: about
    one value in a thousand rounds to the next of its 255 levels.
    """
    size = description.image_size
    width, height = resized(image.width, image.height, description.resize_size)
    across, down = Span.of(image.width, width, size), Span.of(image.height, height, size)
    # Pillow resizes a whole image columns first, but for one that is more than twice as tall as wide; a part of one it
    # often resizes rows first, which rounds up to one value in eight otherwise. So the order is not left to it.
    if image.height > 2 * image.width > 2 * description.resize_size:
        box = (across.start, down.start, across.end, down.end)
        return np.asarray(image.resize((size, size), BILINEAR, box))
    near = image.crop((across.first, down.first, across.last, down.last))
    left, right = across.start - across.first, across.end - across.first
    upper, lower = down.start - down.first, down.end - down.first
    narrow = near.resize((size, near.height), BILINEAR, (left, 0, right, near.height))
    return np.asarray(narrow.resize((size, size), BILINEAR, (0, upper, size, lower)))


def resized(width: int, height: int, resize_size: int) -> tuple[int, int]:
    """Width and height after the resize: the shorter side becomes `resize_size`."""
    if width <= height:
        return resize_size, int(resize_size * height / width)
    return int(resize_size * width / height), resize_size
