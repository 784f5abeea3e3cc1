"""One trial as the public solutions of this problem write it: ImageFolder, torchvision's transforms, no cache.

`python plain_loop.py DATA WEIGHTS MODEL --epochs N --batch-size N --lr X --image-size N --seed N [--all-layers]`
trains the head of a frozen ResNet18, or all of it, on DATA/train, judges it on DATA/validation after each epoch, saves
a state dict as MODEL and prints what each epoch came to as a list of JSON. What the public ones have wrong it has
right: frozen layers' batch normalisations keep their statistics. The network begins as in WEIGHTS, and the images come
in the order that training/ draws, so that figures can be compared without luck.
"""

import argparse
import json
import time
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
    parser.add_argument("--all-layers", action="store_true")
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
    model = pretrained(options.weights, len(train.classes), learns_all=options.all_layers)
    learned = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(learned, lr=options.lr, weight_decay=WEIGHT_DECAY)
    train_loader = DataLoader(train, batch_size=options.batch_size, sampler=Shuffled(len(train), options.seed))
    validation_loader = DataLoader(validation, batch_size=options.batch_size)
    epochs = []
    for _ in range(options.epochs):
        began = time.perf_counter()
        model.train(options.all_layers)
        loss = train_one_epoch(model, train_loader, optimizer)
        seconds = time.perf_counter() - began
        right = accuracy(model, validation_loader)
        epochs.append({"train_loss": loss, "images_per_second": len(train) / seconds, "accuracy": right})
    torch.save(model.state_dict(), options.model)
    print(json.dumps(epochs))


def pretrained(weights: Path, classes: int, *, learns_all: bool) -> nn.Module:
    """ResNet18 as in a model.safetensors of training/; where not all of it learns, its head does."""
    model: nn.Module = torchvision.models.resnet18(num_classes=classes)
    state = load_file(weights)
    model.load_state_dict(
        {name.removeprefix("backbone.").replace("head.linear.", "fc."): state[name] for name in state}
    )
    model.requires_grad_(learns_all)
    model.get_submodule("fc").requires_grad_(True)
    return model


def train_one_epoch(
    model: nn.Module, loader: "DataLoader[tuple[torch.Tensor, torch.Tensor]]", optimizer: torch.optim.Optimizer
) -> float:
    """One pass over the training images; their mean loss."""
    criterion = nn.CrossEntropyLoss()
    total, images_seen = 0.0, 0
    for images, labels in loader:
        optimizer.zero_grad()
        loss = criterion(model(images), labels)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(labels)
        images_seen += len(labels)
    return total / images_seen


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
