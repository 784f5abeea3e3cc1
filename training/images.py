"""From a file to pixels: decoding, geometry, normalisation.

Evaluation sees what torchvision's Resize(resize_size) and CenterCrop(image_size) give on the decoded image; inference
must do the same (model.json carries the numbers).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError, features
from PIL import __version__ as pillow_version

Pixels = npt.NDArray[np.uint8]  # [height, width, 3], RGB

DECODING = 1  # goes up when `read_image` makes other pixels of the same file
MAX_PIXELS = 64_000_000  # a photograph of today's cameras fits; decoding takes four bytes a pixel
MAX_ASPECT_RATIO = 4  # of what is kept of an image; nothing that the network is shown lies outside
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "PPM")
SIXTEEN_BIT = ("I", "I;16", "I;16L", "I;16B", "I;16N")


class UnreadableImage(Exception):
    """The file is no image that can be decoded; the message says why."""


@dataclass(frozen=True)
class Preprocessing:
    """What becomes of an image before the network: sizes in pixels, mean and std of RGB in 0..1."""

    image_size: int
    resize_size: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]


def read_image(path: Path, short_side: int) -> Pixels:
    """Decode `path` upright as RGB, its short side scaled to `short_side` pixels. Raises UnreadableImage."""
    try:
        with Image.open(path, formats=FORMATS) as image:
            check_size(image)
            # A JPEG can be decoded at 1/2, 1/4 or 1/8 of its size, much faster, where that still is ample.
            image.draft(None, (3 * short_side, 3 * short_side))
            image.load()
            rgb = to_rgb(upright(image))
    except (UnreadableImage, MemoryError):
        raise
    except UnidentifiedImageError as error:
        raise UnreadableImage("no image" if path.stat().st_size else "an empty file") from error
    except Exception as error:  # Pillow's decoders raise a dozen unrelated types for broken files
        raise UnreadableImage(str(error) or type(error).__name__) from error
    return np.asarray(scale(rgb, short_side))


def decoder() -> str:
    """What decodes: other versions may make other pixels of the same file."""
    jpeg = features.version("libjpeg_turbo") or features.version("jpg") or "?"
    return f"{DECODING}, Pillow {pillow_version}, libjpeg {jpeg}"


def check_size(image: Image.Image) -> None:
    """Refuse, before anything is decoded, what would fill the memory."""
    if image.width * image.height > MAX_PIXELS:
        raise UnreadableImage(f"{image.width} x {image.height} pixels, more than {MAX_PIXELS:,}")


def upright(image: Image.Image) -> Image.Image:
    """Turned as the camera noted; a damaged note is as good as none, the pixels are there."""
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # noqa: BLE001 - its parser raises what it likes, too
        return image
    return image if orientation == 1 else ImageOps.exif_transpose(image)


def to_rgb(image: Image.Image) -> Image.Image:
    """Any mode as RGB: 16-bit gray keeps its upper byte, transparency lies on white."""
    if image.mode in SIXTEEN_BIT:
        gray = np.clip(np.asarray(image).astype(np.int64) >> 8, 0, 255).astype(np.uint8)
        return Image.fromarray(gray).convert("RGB")
    if image.mode == "F":
        raise UnreadableImage("floating-point pixels have no known range")
    if image.has_transparency_data:
        transparent = image.convert("RGBA")
        white = Image.new("RGBA", transparent.size, (255, 255, 255, 255))
        return Image.alpha_composite(white, transparent).convert("RGB")
    return image.convert("RGB")


def scale(image: Image.Image, short_side: int) -> Image.Image:
    """The image with its short side at `short_side`; of a very long one the middle."""
    width, height = image.size
    short = min(width, height)
    if max(width, height) > MAX_ASPECT_RATIO * short:
        kept_width, kept_height = min(width, MAX_ASPECT_RATIO * short), min(height, MAX_ASPECT_RATIO * short)
        left, top = (width - kept_width) // 2, (height - kept_height) // 2
        image = image.crop((left, top, left + kept_width, top + kept_height))
        width, height = image.size
    size = (int(short_side * width / short), int(short_side * height / short))
    return image.resize(size, Image.Resampling.BILINEAR)


def center_crop(pixels: Pixels, size: int) -> Pixels:
    """The middle square of `size` pixels."""
    height, width = pixels.shape[:2]
    top, left = round((height - size) / 2), round((width - size) / 2)
    return pixels[top : top + size, left : left + size]


def random_crop(pixels: Pixels, size: int, random: np.random.Generator, least_area: float = 0.5) -> Pixels:
    """A random rectangle of `least_area` to all of the area, 3:4 to 4:3, scaled to the square, mirrored at random."""
    height, width = pixels.shape[:2]
    area = height * width * random.uniform(least_area, 1.0)
    ratio = np.exp(random.uniform(np.log(3 / 4), np.log(4 / 3)))
    crop_width, crop_height = min(width, np.sqrt(area * ratio)), min(height, np.sqrt(area / ratio))
    left, top = random.uniform(0, width - crop_width), random.uniform(0, height - crop_height)
    # Rounding must not push the box's edge beyond the image's: Pillow refuses that.
    box = (left, top, min(width, left + crop_width), min(height, top + crop_height))
    square = Image.fromarray(pixels).resize((size, size), Image.Resampling.BILINEAR, box=box)
    if random.random() < 0.5:
        square = square.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return np.asarray(square)


def to_tensor(images: Sequence[Pixels], preprocessing: Preprocessing, device: torch.device) -> torch.Tensor:
    """Squares as one normalised float32 tensor [N, 3, size, size] in channels-last memory, fastest for convolutions."""
    pixels = torch.from_numpy(np.stack(images)).to(device).permute(0, 3, 1, 2)
    mean = torch.tensor(preprocessing.mean, device=device).view(3, 1, 1)
    std = torch.tensor(preprocessing.std, device=device).view(3, 1, 1)
    return pixels.float().div_(255).sub_(mean).div_(std)
