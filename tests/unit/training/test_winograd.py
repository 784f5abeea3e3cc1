"""Convolutions by Winograd's way are torch's: in double precision to the last digits, in float32 but for rounding."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from tests.unit.training.scripts import Scripts

SCRIPTS = Scripts()
sizes = st.integers(1, 13)


def direct(images: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    return nn.functional.conv2d(images, weight, padding=1)


def all_of(compute: Callable[..., torch.Tensor], images: torch.Tensor, weight: torch.Tensor) -> list[torch.Tensor]:
    """The output, and both gradients of a loss that weighs every pixel differently."""
    images, weight = images.clone().requires_grad_(), weight.clone().requires_grad_()
    output = compute(images, weight)
    weights = torch.linspace(-1, 1, output.numel(), dtype=output.dtype).reshape(output.shape)
    (output * weights).sum().backward()  # type: ignore[no-untyped-call]
    assert images.grad is not None
    assert weight.grad is not None
    return [output.detach(), images.grad, weight.grad]


def drawn(seed: int, number: int, channels: tuple[int, int], size: tuple[int, int], dtype: Any) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    images = torch.randn(number, channels[0], *size, generator=generator, dtype=dtype)
    return [images, torch.randn(channels[1], channels[0], 3, 3, generator=generator, dtype=dtype)]


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 99), st.integers(1, 3), st.tuples(st.integers(1, 4), st.integers(1, 4)), st.tuples(sizes, sizes))
def test_any_shape_gives_what_torch_gives(
    seed: int, number: int, channels: tuple[int, int], size: tuple[int, int]
) -> None:
    images, weight = drawn(seed, number, channels, size, torch.float64)
    if seed % 2:
        images = images.contiguous(memory_format=torch.channels_last)
    found, expected = (all_of(way, images, weight) for way in (SCRIPTS.winograd.convolve, direct))
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(("channels", "size"), [(64, 28), (128, 14), (512, 7)])
def test_in_float32_rounding_is_the_only_difference(channels: int, size: int) -> None:
    images, weight = drawn(0, 4, (channels, channels), (size, size), torch.float32)
    found = all_of(SCRIPTS.winograd.convolve, images, weight)
    for one, other in zip(found, all_of(direct, images.double(), weight.double()), strict=True):
        assert (one - other).abs().max() < 2e-5 * other.abs().max()


def test_images_that_need_no_gradient_get_none() -> None:
    images, weight = drawn(0, 2, (3, 4), (8, 8), torch.float64)
    weight.requires_grad_()
    SCRIPTS.winograd.convolve(images, weight).sum().backward()
    assert images.grad is None
    assert weight.grad is not None
    expected = torch.autograd.grad(direct(images, weight).sum(), weight)[0]
    torch.testing.assert_close(weight.grad, expected)


@pytest.mark.parametrize(
    ("layer", "shape", "expected"),
    [
        ((64, 64), (32, 64, 56, 56), True),
        ((512, 512), (32, 512, 7, 7), True),
        ((512, 512), (8, 512, 7, 7), False),  # few pixels for filters of 9 MB
        ((32, 64), (32, 32, 56, 56), False),  # few channels
        ((256, 256), (32, 256, 5, 5), False),  # 8 x 8 pixels computed for 5 x 5
        ((64, 128, 2), (32, 64, 56, 56), False),  # it strides
    ],
)
def test_where_it_pays(layer: tuple[int, ...], shape: tuple[int, ...], expected: bool) -> None:
    assert SCRIPTS.winograd.pays(SCRIPTS.winograd.Conv3x3(*layer), torch.Size(shape)) is expected


def gradient(network: Any) -> torch.Tensor:
    """Of all parameters, in one row."""
    return torch.cat([parameter.grad.flatten() for parameter in network.parameters()])


class Counted:
    """The function in its place, and how often it was called."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls = 0
        self._convolve = SCRIPTS.winograd.convolve
        monkeypatch.setattr(SCRIPTS.winograd, "convolve", self)

    def __call__(self, *arguments: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        result: torch.Tensor = self._convolve(*arguments)
        return result


def test_a_network_that_learns_computes_so_and_one_that_is_judged_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    counted = Counted(monkeypatch)
    torch.manual_seed(0)
    network = SCRIPTS.networks.build_classifier("resnet18", 3, 64, dropout=0.0, frozen=False)
    images = torch.randn(8, 3, 64, 64)
    network(images).sum().backward()
    assert counted.calls == 0
    expected = gradient(network)
    network.zero_grad()
    SCRIPTS.winograd.set_winograd(network, wanted=True)
    with torch.no_grad():
        network(images)
    network.backbone.layer2.requires_grad_(False)
    network(images)
    assert counted.calls == 4  # of 64 channels at 16 x 16, while layer2 rests
    network.backbone.layer2.requires_grad_(True)
    network(images).sum().backward()
    assert counted.calls == 4 + 7  # and of 128 at 8 x 8; deeper ones have too few pixels
    # Rounding alone decides some ReLUs, which moves either way's gradient by a percent from that in double precision.
    assert torch.nn.functional.cosine_similarity(gradient(network), expected, dim=0) > 0.999
    SCRIPTS.winograd.set_winograd(network, wanted=False)
    network(images)
    assert counted.calls == 11
