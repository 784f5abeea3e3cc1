"""Groups of layers, from the head to the image: what learns at one rate, and what begins to learn at one time."""

import itertools
import math

from arguments import Arguments
from efficientnet_lite import STAGES, EfficientNetLite0
from networks import Classifier
from resnet import ResNet
from torch import nn

Group = list[nn.Module]


def layer_groups(network: nn.Module) -> list[Group]:
    """The parts of `network` that may ever learn; the first group is the head, of a frozen network the only one."""
    if not isinstance(network, Classifier):
        return [[network]]
    if network.frozen:
        return [[network.head]]
    return [[network.head], *reversed(_stages(network.backbone))]


def _stages(backbone: nn.Module) -> list[Group]:
    """All layers of a backbone, from the image on."""
    if isinstance(backbone, ResNet):
        stem = [backbone.conv1, backbone.bn1]
        return [stem, [backbone.layer1], [backbone.layer2], [backbone.layer3], [backbone.layer4]]
    if isinstance(backbone, EfficientNetLite0):
        blocks = list(backbone.blocks)
        starts = [sum(repeats for repeats, *_ in STAGES[:index]) for index in range(len(STAGES) + 1)]
        between = [blocks[start:end] for start, end in itertools.pairwise(starts)]
        return [[backbone.stem], *between, [backbone.top]]
    # torchvision's: a Sequential of features, and what its classifier has before dropout and head
    return [[block] for block in backbone.get_submodule("features").children()] + [
        [backbone.get_submodule("classifier")]
    ]


class Unfreezing:
    """Which groups learn in which epoch: the head from the first one, the last group after `--unfreeze-epochs`."""

    def __init__(self, groups: list[Group], arguments: Arguments) -> None:
        self._groups = groups
        self._epochs = arguments.unfreeze_epochs

    def first_epoch(self, group: int) -> int:
        """The epoch, from 1, in which group `group` (0 is the head) begins to learn."""
        return 1 + math.ceil(group * self._epochs / max(1, len(self._groups) - 1))

    def apply(self, epoch: int, network: nn.Module) -> None:
        """Let those learn whose time has come; the others rest, their batch normalisations too."""
        if not self._epochs or not isinstance(network, Classifier):
            return
        resting: Group = []
        for number, group in enumerate(self._groups):
            learns = epoch >= self.first_epoch(number)
            resting += [] if learns else group
            for module in group:
                module.requires_grad_(learns)
        network.resting = tuple(resting)
