"""ResNet 18, 34 and 50, layer for layer and name for name torchvision's, so that its weights fit.

Here because importing torchvision costs more CPU time than a short job's training does.
"""

import torch
from torch import nn
from winograd import Conv3x3


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut."""

    expansion = 1

    def __init__(self, channels_in: int, channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = Conv3x3(channels_in, channels, stride)
        self.bn1 = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = Conv3x3(channels, channels)
        self.bn2 = nn.BatchNorm2d(channels)
        self.downsample = shortcut(channels_in, channels, stride)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """[N, in, h, w] -> [N, channels, h / stride, w / stride]."""
        output = self.relu(self.bn1(self.conv1(inputs)))
        output = self.bn2(self.conv2(output))
        activated: torch.Tensor = self.relu(output + self.downsample(inputs))
        return activated


class Bottleneck(nn.Module):
    """1x1, 3x3 (which strides) and 1x1 convolutions and a shortcut."""

    expansion = 4

    def __init__(self, channels_in: int, channels: int, stride: int) -> None:
        super().__init__()
        channels_out = channels * self.expansion
        self.conv1 = nn.Conv2d(channels_in, channels, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = Conv3x3(channels, channels, stride)
        self.bn2 = nn.BatchNorm2d(channels)
        self.conv3 = nn.Conv2d(channels, channels_out, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(channels_out)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = shortcut(channels_in, channels_out, stride)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """[N, in, h, w] -> [N, 4 channels, h / stride, w / stride]."""
        output = self.relu(self.bn1(self.conv1(inputs)))
        output = self.relu(self.bn2(self.conv2(output)))
        output = self.bn3(self.conv3(output))
        activated: torch.Tensor = self.relu(output + self.downsample(inputs))
        return activated


def shortcut(channels_in: int, channels_out: int, stride: int) -> nn.Module:
    """What brings the block's input to its output's shape."""
    if stride == 1 and channels_in == channels_out:
        return nn.Identity()
    return nn.Sequential(nn.Conv2d(channels_in, channels_out, 1, stride, bias=False), nn.BatchNorm2d(channels_out))


class ResNet(nn.Module):
    """The backbone: images [N, 3, h, w] -> features [N, 512 * expansion]."""

    def __init__(self, block: type[BasicBlock] | type[Bottleneck], depths: tuple[int, int, int, int]) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, padding=1)
        self.layer1 = layer(block, 64, 64, depths[0], stride=1)
        self.layer2 = layer(block, 64 * block.expansion, 128, depths[1], stride=2)
        self.layer3 = layer(block, 128 * block.expansion, 256, depths[2], stride=2)
        self.layer4 = layer(block, 256 * block.expansion, 512, depths[3], stride=2)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Features before dropout and head."""
        maps = self.maxpool(self.relu(self.bn1(self.conv1(images))))
        maps = self.layer4(self.layer3(self.layer2(self.layer1(maps))))
        features: torch.Tensor = maps.mean((2, 3))
        return features


def layer(
    block: type[BasicBlock] | type[Bottleneck], channels_in: int, channels: int, depth: int, *, stride: int
) -> nn.Sequential:
    """`depth` blocks, of which the first strides."""
    first = block(channels_in, channels, stride)
    return nn.Sequential(first, *(block(channels * block.expansion, channels, 1) for _ in range(depth - 1)))
