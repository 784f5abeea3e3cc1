"""One pass over a channel, learning or judging."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from batches import Batch
from networks import Classifier
from stopping import StopRequest
from torch import nn


@dataclass
class Totals:
    """Sums over the images seen so far in this pass."""

    loss: float = 0.0
    correct: int = 0
    images: int = 0
    batches: int = 0

    def add(self, loss: torch.Tensor, logits: torch.Tensor, labels: torch.Tensor) -> None:
        """Count one batch whose mean loss is `loss`."""
        self.loss += loss.item() * len(labels)
        self.correct += int((logits.argmax(1) == labels).sum())
        self.images += len(labels)
        self.batches += 1

    @property
    def mean_loss(self) -> float:
        """Mean over the images."""
        return self.loss / self.images

    @property
    def accuracy(self) -> float:
        """Share of images whose highest logit is their label's, 0..1."""
        return self.correct / self.images


def train_one_epoch(
    network: nn.Module,
    criterion: nn.Module,
    optimizer: torch.optim.Optimizer,
    batches: Iterator[Batch],
    *,
    totals: Totals,
    stop: StopRequest,
) -> None:
    """Take one step a batch and count it in `totals`. Raises StopRequested between two batches."""
    network.train()
    for inputs, labels in batches:
        stop.check()
        optimizer.zero_grad(set_to_none=True)
        logits = network(inputs)
        loss = criterion(logits, labels)
        loss.backward()
        optimizer.step()
        totals.add(loss.detach(), logits.detach(), labels)


@torch.no_grad()
def evaluate(
    network: nn.Module, criterion: nn.Module, batches: Iterator[Batch], stop: StopRequest
) -> tuple[Totals, torch.Tensor, torch.Tensor]:
    """Totals, logits [N, classes] and labels [N] over all batches. Raises StopRequested between two batches."""
    network.eval()
    totals, all_logits, all_labels = Totals(), [], []
    for inputs, labels in batches:
        stop.check()
        logits = network(inputs)
        totals.add(criterion(logits, labels), logits, labels)
        all_logits.append(logits.cpu())
        all_labels.append(labels.cpu())
    return totals, torch.cat(all_logits), torch.cat(all_labels)


@torch.no_grad()
def extract_features(
    network: Classifier, batches: Iterator[Batch], stop: StopRequest
) -> tuple[torch.Tensor, torch.Tensor]:
    """What the frozen backbone computes of every image [N, F], and the labels [N]."""
    network.eval()
    features, all_labels = [], []
    for inputs, labels in batches:
        stop.check()
        features.append(network.features(inputs))
        all_labels.append(labels)
    return torch.cat(features), torch.cat(all_labels)
