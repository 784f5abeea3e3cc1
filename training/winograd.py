"""3x3 convolutions by Winograd's minimal filtering F(4x4, 3x3): a quarter of the multiplications, on CPUs in float32.

Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks" (2015). An image is cut into tiles of 6 x 6 pixels
that overlap by two; each gives 4 x 4 pixels. With that paper's matrices B, G and A a tile d and a filter g give
A^T [(G g G^T) * (B^T d B)] A, summed over channels: 36 products of matrices for all tiles at once.

A training step of ResNet18 takes two thirds of the time of that with direct convolutions (oneDNN, AVX2). Results
differ by 1e-5 of the largest value, as they do by rounding.
"""

from functools import cache
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.autograd.function import once_differentiable

OUT, IN = 4, 6  # pixels of a side that a tile gives, and reads
# Where it was measured to be faster, forward and back, than oneDNN on AVX2:
MIN_CHANNELS = 64
MIN_PIXELS = 512  # of all images of the batch
MIN_FILLED = 0.55  # share of the tiles' pixels that are the image's

B_T = (
    (4, 0, -5, 0, 1, 0),
    (0, -4, -4, 1, 1, 0),
    (0, 4, -4, -1, 1, 0),
    (0, -2, -1, 2, 1, 0),
    (0, 2, -1, -2, 1, 0),
    (0, 4, 0, -5, 0, 1),
)
G = (
    (1 / 4, 0, 0),
    (-1 / 6, -1 / 6, -1 / 6),
    (-1 / 6, 1 / 6, -1 / 6),
    (1 / 24, 1 / 12, 1 / 6),
    (1 / 24, -1 / 12, 1 / 6),
    (0, 0, 1),
)
A_T = (
    (1, 1, 1, 1, 1, 0),
    (0, 1, -1, 2, -2, 0),
    (0, 1, 1, 4, 4, 0),
    (0, 1, -1, 8, -8, 1),
)


class Conv3x3(nn.Conv2d):
    """A 3x3 convolution with padding and without bias, which `winograd` lets compute in this way while it learns."""

    winograd = False

    def __init__(self, channels_in: int, channels_out: int, stride: int = 1) -> None:
        super().__init__(channels_in, channels_out, 3, stride, padding=1, bias=False)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """[N, in, h, w] -> [N, out, h / stride, w / stride]."""
        if self.winograd and torch.is_grad_enabled() and self.weight.requires_grad and pays(self, images.shape):
            return convolve(images, self.weight)
        return super().forward(images)


def pays(layer: nn.Conv2d, shape: torch.Size) -> bool:
    """Whether it is faster for a layer that learns from images of this shape."""
    number, _, height, width = shape
    rows, columns = tiles_of(height, width)
    return (
        layer.stride == (1, 1)
        and min(layer.in_channels, layer.out_channels) >= MIN_CHANNELS
        and number * height * width >= MIN_PIXELS
        and height * width >= MIN_FILLED * rows * columns * OUT**2
    )


def convolve(images: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """As conv2d(images, weight, padding=1): [N, in, h, w] and [out, in, 3, 3] -> [N, out, h, w], in channels-last."""
    convolved: torch.Tensor = _Convolution.apply(images, weight)
    return convolved


def tiles_of(height: int, width: int) -> tuple[int, int]:
    """Rows and columns of tiles that give so many pixels."""
    return -(-height // OUT), -(-width // OUT)


def set_winograd(network: nn.Module, *, wanted: bool) -> None:
    """Let the network's 3x3 convolutions be computed in this way, or by torch."""
    for module in network.modules():
        if isinstance(module, Conv3x3):
            module.winograd = wanted


class _Convolution(torch.autograd.Function):
    """Transformed tiles [36, tiles, in] times transformed filters [36, in, out]; gradients are the transposed steps."""

    @staticmethod
    def forward(ctx: Any, images: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        channels_out, channels_in = weight.shape[:2]
        b, g, a = _matrices(weight.dtype)
        tiles = (b @ _read(images)).view(IN**2, -1, channels_in)
        filters = (g @ weight.permute(2, 3, 1, 0).reshape(9, -1)).view(IN**2, channels_in, channels_out)
        ctx.save_for_backward(tiles, filters)
        ctx.shape = images.shape
        products = torch.bmm(tiles, filters)
        return _write(a @ products.view(IN**2, -1), images.shape, channels_out)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, torch.Tensor]:
        tiles, filters = ctx.saved_tensors
        _, channels_in, channels_out = filters.shape
        b, g, a = _matrices(filters.dtype)
        products = (a.t() @ _unwrite(gradient)).view(IN**2, -1, channels_out)
        of_filters = torch.bmm(tiles.transpose(1, 2), products).view(IN**2, -1)
        of_weight = (g.t() @ of_filters).view(3, 3, channels_in, channels_out).permute(3, 2, 0, 1)
        of_weight = of_weight.contiguous(memory_format=torch.channels_last)
        if not ctx.needs_input_grad[0]:
            return None, of_weight
        of_tiles = torch.bmm(products, filters.transpose(1, 2)).view(IN**2, -1)
        return _unread(b.t() @ of_tiles, ctx.shape), of_weight


class _Matrices(NamedTuple):
    """What transforms a whole tile or filter, its pixels in one column: [36, 36], [36, 9] and [16, 36]."""

    tile: torch.Tensor
    filter: torch.Tensor
    output: torch.Tensor


@cache
def _matrices(dtype: torch.dtype) -> _Matrices:
    sides = (torch.tensor(rows, dtype=torch.float64) for rows in (B_T, G, A_T))
    return _Matrices(*(torch.kron(side, side).to(dtype) for side in sides))


def _read(images: torch.Tensor) -> torch.Tensor:
    """The tiles of padded images, [36, N * rows * columns * channels]."""
    number, channels, height, width = images.shape
    rows, columns = tiles_of(height, width)
    right, below = OUT * columns + 1 - width, OUT * rows + 1 - height
    padded = nn.functional.pad(images.permute(0, 2, 3, 1), (0, 0, 1, right, 1, below)).contiguous()
    image, row, column, channel = padded.stride()
    tiles = padded.as_strided(
        (IN, IN, number, rows, columns, channels), (row, column, image, OUT * row, OUT * column, channel)
    )
    return tiles.reshape(IN**2, -1)


def _unread(tiles: torch.Tensor, shape: torch.Size) -> torch.Tensor:
    """The transpose of _read: the images to which each tile adds where it read."""
    number, channels, height, width = shape
    rows, columns = tiles_of(height, width)
    padded = tiles.new_zeros(number, OUT * rows + 2, OUT * columns + 2, channels)
    image, row, column, channel = padded.stride()
    added = tiles.view(IN, IN, number, rows, columns, channels).permute(2, 3, 0, 4, 1, 5)
    for y in range(min(2, rows)):
        for x in range(min(2, columns)):  # every second tile overlaps with none of its kind
            part = added[:, y::2, :, x::2]
            strides = (image, 2 * OUT * row, row, 2 * OUT * column, column, channel)
            padded.as_strided(part.shape, strides, OUT * (y * row + x * column)).add_(part)
    return padded[:, 1 : height + 1, 1 : width + 1].contiguous().permute(0, 3, 1, 2)


def _write(tiles: torch.Tensor, shape: torch.Size, channels: int) -> torch.Tensor:
    """The images that tiles of 4 x 4 pixels, [16, N * rows * columns * channels], come to."""
    number, _, height, width = shape
    rows, columns = tiles_of(height, width)
    placed = tiles.view(OUT, OUT, number, rows, columns, channels).permute(2, 3, 0, 4, 1, 5)
    whole = placed.reshape(number, OUT * rows, OUT * columns, channels)
    return whole[:, :height, :width].contiguous().permute(0, 3, 1, 2)


def _unwrite(images: torch.Tensor) -> torch.Tensor:
    """The transpose of _write."""
    number, channels, height, width = images.shape
    rows, columns = tiles_of(height, width)
    right, below = OUT * columns - width, OUT * rows - height
    whole = nn.functional.pad(images.permute(0, 2, 3, 1), (0, 0, 0, right, 0, below))
    placed = whole.reshape(number, rows, OUT, columns, OUT, channels).permute(2, 4, 0, 1, 3, 5)
    return placed.reshape(OUT**2, -1)
