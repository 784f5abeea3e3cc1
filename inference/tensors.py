"""RGB image -> what the network sees: the same as torchvision's Resize, CenterCrop, ToTensor and Normalize."""

import numpy as np
import numpy.typing as npt
from artifact import Description
from PIL import Image


def tensor(image: Image.Image, description: Description) -> npt.NDArray[np.float32]:
    """float32 [3, image_size, image_size], normalised.

    Resize and crop are one step: only the pixels of the crop are computed, by the same filter at the same places.
    Pillow may take rows before columns where it took columns first: a value then rounds to the next of its 255 levels.
    """
    size = description.image_size
    box = crop_box(image.width, image.height, size, description.resize_size)
    crop = image.resize((size, size), Image.Resampling.BILINEAR, box=box)
    mean, std = np.array(description.mean, np.float32), np.array(description.std, np.float32)
    pixels = (np.asarray(crop, np.float32) / np.float32(255) - mean) / std
    return np.ascontiguousarray(pixels.transpose(2, 0, 1))


def crop_box(width: int, height: int, image_size: int, resize_size: int) -> tuple[float, float, float, float]:
    """Where the centre crop lies in the image before its resize: left, upper, right, lower in its pixels."""
    if width <= height:
        resized_width, resized_height = resize_size, int(resize_size * height / width)
    else:
        resized_width, resized_height = int(resize_size * width / height), resize_size
    left, upper = round((resized_width - image_size) / 2), round((resized_height - image_size) / 2)
    across, down = width / resized_width, height / resized_height
    return left * across, upper * down, (left + image_size) * across, (upper + image_size) * down
