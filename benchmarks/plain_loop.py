"""One trial as the public solutions of this problem write it: ImageFolder, torchvision's transforms, no cache.

`python plain_loop.py DATA WEIGHTS MODEL --epochs N --batch-size N --lr X --image-size N --seed N`: trains the head of a
frozen ResNet18 on DATA/train, judges it on DATA/validation after each epoch, saves a state dict as MODEL and prints the
epochs' validation accuracies as JSON. What the public ones have wrong it has right: the frozen layers' batch
normalisations keep their statistics. The head begins as in WEIGHTS, and the images come in the order that training/
draws, so that accuracies can be compared without luck.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
import torchvision
from safetensors.torch import load_file
from torch import nn
from torch.utils.data import DataLoader, Sampler
from torchvision import datasets, transforms

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
WEIGHT_DECAY = 0.01  # training/'s default


class Shuffled(Sampler[int]):
    """All images in an order of their own in each epoch."""

    def __init__(self, images: int, seed: int) -> None:
        self._images = images
        self._seed = seed
        self._epoch = 0

    def __len__(self) -> int:
        return self._images

    def __iter__(self) -> Iterator[int]:
        self._epoch += 1
        yield from np.random.default_rng([self._seed, self._epoch]).permutation(self._images).tolist()


def main() -> None:
    """The whole script."""
    parser = argparse.ArgumentParser()
    for name in ("data", "weights", "model"):
        parser.add_argument(name, type=Path)
    for name in ("epochs", "batch-size", "image-size", "seed"):
        parser.add_argument(f"--{name}", type=int)
    parser.add_argument("--lr", type=float)
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    transform = transforms.Compose(
        [
            transforms.Resize(round(options.image_size * 8 / 7)),
            transforms.CenterCrop(options.image_size),
            transforms.ToTensor(),
            transforms.Normalize(MEAN, STD),
        ]
    )
    train = datasets.ImageFolder(str(options.data / "train"), transform)
    validation = datasets.ImageFolder(str(options.data / "validation"), transform)
    model = pretrained(options.weights, len(train.classes))
    optimizer = torch.optim.AdamW(model.get_submodule("fc").parameters(), lr=options.lr, weight_decay=WEIGHT_DECAY)
    train_loader = DataLoader(train, batch_size=options.batch_size, sampler=Shuffled(len(train), options.seed))
    validation_loader = DataLoader(validation, batch_size=options.batch_size)
    accuracies = []
    for _ in range(options.epochs):
        train_one_epoch(model, train_loader, optimizer)
        accuracies.append(accuracy(model, validation_loader))
    torch.save(model.state_dict(), options.model)
    print(json.dumps(accuracies))


def pretrained(weights: Path, classes: int) -> nn.Module:
    """ResNet18 as in a model.safetensors of training/; only its head learns."""
    model: nn.Module = torchvision.models.resnet18(num_classes=classes)
    state = load_file(weights)
    model.load_state_dict(
        {name.removeprefix("backbone.").replace("head.linear.", "fc."): state[name] for name in state}
    )
    model.requires_grad_(False)
    model.get_submodule("fc").requires_grad_(True)
    return model


def train_one_epoch(
    model: nn.Module, loader: "DataLoader[tuple[torch.Tensor, torch.Tensor]]", optimizer: torch.optim.Optimizer
) -> None:
    """One pass over the training images."""
    criterion = nn.CrossEntropyLoss()
    model.eval()
    for images, labels in loader:
        optimizer.zero_grad()
        loss = criterion(model(images), labels)
        loss.backward()
        optimizer.step()


@torch.no_grad()
def accuracy(model: nn.Module, loader: "DataLoader[tuple[torch.Tensor, torch.Tensor]]") -> float:
    """Share of validation images whose highest logit is their label's."""
    model.eval()
    right = images_seen = 0
    for images, labels in loader:
        right += int((model(images).argmax(1) == labels).sum())
        images_seen += len(labels)
    return right / images_seen


if __name__ == "__main__":
    main()
