"""The architectures: a backbone that turns an image into features, and a linear head."""

import importlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import torch
from efficientnet_lite import EfficientNetLite0
from images import Preprocessing
from resnet import BasicBlock, Bottleneck, ResNet
from torch import nn

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

CPU_IMAGES_AT_ONCE = 8


@dataclass(frozen=True)
class Architecture:
    """How to build one: `backbone(image_size)` gives `features` numbers an image; published heads begin with `head`."""

    backbone: Callable[[int], nn.Module]
    features: int
    head: str = "fc."
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD


def torchvision_backbone(name: str) -> Callable[[int], nn.Module]:
    """A builder of torchvision's network `name` without the dropout and head that end its classifier."""

    def build(_image_size: int) -> nn.Module:
        models = importlib.import_module("torchvision.models")  # costs seconds, and most jobs do without
        network: nn.Module = models.get_model(name, weights=None)
        network.classifier = network.get_submodule("classifier")[:-2]  # type: ignore[index] # it is a Sequential
        return network

    return build


ARCHITECTURES: dict[str, Architecture] = {
    "resnet18": Architecture(lambda _: ResNet(BasicBlock, (2, 2, 2, 2)), 512),
    "resnet34": Architecture(lambda _: ResNet(BasicBlock, (3, 4, 6, 3)), 512),
    "resnet50": Architecture(lambda _: ResNet(Bottleneck, (3, 4, 6, 3)), 2048),
    "mobilenet_v3_small": Architecture(torchvision_backbone("mobilenet_v3_small"), 1024, "classifier.3."),
    "mobilenet_v3_large": Architecture(torchvision_backbone("mobilenet_v3_large"), 1280, "classifier.3."),
    "efficientnet_b0": Architecture(torchvision_backbone("efficientnet_b0"), 1280, "classifier.1."),
    "efficientnet_lite0": Architecture(EfficientNetLite0, 1280, "_fc.", (0.498, 0.498, 0.498), (0.502, 0.502, 0.502)),
}


class Classifier(nn.Module):
    """Backbone and head. While `frozen` the backbone computes as in evaluation and gets no gradient.

    `resting` are parts that do not learn for now, `precision` is what the backbone's autocast computes in, `compiled`
    computes in the backbone's place; the head computes in float32.
    """

    def __init__(self, backbone: nn.Module, features: int, classes: int, *, dropout: float, frozen: bool) -> None:
        super().__init__()
        self.backbone = backbone.requires_grad_(not frozen)
        self.head = nn.Sequential(
            OrderedDict[str, nn.Module](dropout=nn.Dropout(dropout), linear=nn.Linear(features, classes))
        )
        self.frozen = frozen
        self.resting: tuple[nn.Module, ...] = (self.backbone,) if frozen else ()
        self.precision: torch.dtype | None = None
        self.compiled: Callable[[torch.Tensor], torch.Tensor] | None = None
        self.whole = False  # set where a batch must not be computed in parts: by who exports or watches the network

    def features(self, images: torch.Tensor) -> torch.Tensor:
        """[N, 3, size, size] -> [N, features]."""
        learning = torch.is_grad_enabled() and not self.frozen
        with torch.set_grad_enabled(learning):
            if learning or images.is_cuda or self.whole:
                return self._compute(images)
            # A few images' activations stay in the CPU's cache and the allocator's pool: up to three times as fast.
            return torch.cat([self._compute(part) for part in torch.split(images, CPU_IMAGES_AT_ONCE)])

    def _compute(self, images: torch.Tensor) -> torch.Tensor:
        compute = self.compiled or self.backbone
        if self.precision is None:
            features: torch.Tensor = compute(images)
            return features
        with torch.autocast(images.device.type, self.precision):
            features = compute(images)
        return features.float()

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """[N, 3, size, size] -> logits [N, classes]."""
        logits: torch.Tensor = self.head(self.features(images))
        return logits

    def train(self, mode: bool = True) -> "Classifier":
        """As nn.Module's, but the batch normalisations of parts that rest keep their statistics."""
        super().train(mode)
        for part in self.resting:
            part.eval()
        return self


def show_activations(network: nn.Module) -> None:
    """Let whoever watches see what each module takes and gives: nothing is overwritten in place, no batch is split."""
    for module in network.modules():
        if getattr(module, "inplace", False):
            module.inplace = False  # type: ignore[assignment] # torch types a module's unknown attributes so
        if isinstance(module, Classifier):
            module.whole = True


def build_classifier(arch: str, classes: int, image_size: int, *, dropout: float, frozen: bool) -> Classifier:
    """The network `arch` for `classes` classes, initialised at random."""
    architecture = ARCHITECTURES[arch]
    backbone = architecture.backbone(image_size)
    return Classifier(backbone, architecture.features, classes, dropout=dropout, frozen=frozen)


def preprocessing_for(arch: str, image_size: int) -> Preprocessing:
    """What the network expects of its images; their short side is scaled to 8/7 of the square, as ImageNet's 256."""
    architecture = ARCHITECTURES[arch]
    return Preprocessing(image_size, round(image_size * 8 / 7), architecture.mean, architecture.std)
