"""application/x-npy -> RGB images. The header is checked before a byte is allocated, and nothing is unpickled."""

import io
import math
from tokenize import TokenError

import numpy as np
from errors import ImageTooLarge, InvalidArray
from images import MAX_PIXELS
from numpy.lib import format as npy
from PIL import Image

MAGIC = npy.MAGIC_PREFIX
MAX_IMAGES = 128
EXPECTED = "send a uint8 array of shape [height, width, 3] or [N, height, width, 3], RGB"


def decode(body: bytes) -> Image.Image | list[Image.Image]:
    """One image for [height, width, 3], a list for [N, height, width, 3]. Raises InvalidArray and ImageTooLarge."""
    stream = io.BytesIO(body)
    shape, fortran_order, dtype = _header(stream)
    _check(shape, dtype)
    pixels = memoryview(body)[stream.tell() :]
    if len(pixels) != math.prod(shape):
        raise InvalidArray(f"An array of shape {list(shape)} has {math.prod(shape):,} bytes, {len(pixels):,} arrived.")
    array = np.frombuffer(pixels, np.uint8).reshape(shape, order="F" if fortran_order else "C")
    if array.ndim == 3:
        return Image.fromarray(np.ascontiguousarray(array))
    return [Image.fromarray(np.ascontiguousarray(image)) for image in array]


def _header(stream: io.BytesIO) -> tuple[tuple[int, ...], bool, np.dtype[np.generic]]:
    try:
        version = npy.read_magic(stream)  # type: ignore[no-untyped-call]  # numpy leaves these three untyped
        read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, fortran_order, dtype = read(stream)  # type: ignore[no-untyped-call]
    except (ValueError, TypeError, SyntaxError, RecursionError, TokenError, Warning) as error:
        raise InvalidArray(f"The npy header cannot be read: {EXPECTED}.") from error
    return shape, fortran_order, dtype


def _check(shape: tuple[int, ...], dtype: np.dtype[np.generic]) -> None:
    if dtype.hasobject:
        raise InvalidArray(f"The array holds pickled objects, which are never loaded: {EXPECTED}.")
    if dtype != np.uint8 or len(shape) not in {3, 4} or shape[-1] != 3 or min(shape) < 1:
        raise InvalidArray(f"The array is {dtype} of shape {list(shape)}: {EXPECTED}.")
    if len(shape) == 4 and shape[0] > MAX_IMAGES:
        raise ImageTooLarge(
            f"The array has {shape[0]:,} images, one request takes {MAX_IMAGES}: send several requests."
        )
    if math.prod(shape[:-1]) > MAX_PIXELS:
        raise ImageTooLarge(f"The array has {math.prod(shape[:-1]):,} pixels, one request takes {MAX_PIXELS:,}.")
