"""One pass over a channel, learning or judging."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import torch
from batches import Batch
from learner import Learner
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


class Checkpoints(Protocol):
    """What writes a checkpoint now and then."""

    def save_when_due(self) -> None:
        """Called after each step, when everything is as it is to be found again."""


def train_one_epoch(
    learner: Learner,
    network: nn.Module,
    criterion: nn.Module,
    batches: Iterator[Batch],
    *,
    epoch: int,
    steps: int,
    totals: Totals,
    stop: StopRequest,
    checkpoints: Checkpoints | None = None,
) -> None:
    """Take one step a batch and count it in `totals`, from which an epoch of `steps` that had begun goes on.

    Raises StopRequested between two batches.
    """
    learner.begin_epoch(epoch)
    network.train()
    for inputs, labels in batches:
        stop.check()
        loss, logits = learner.step(network, criterion, inputs, labels, epoch=epoch, batch=totals.batches, steps=steps)
        totals.add(loss, logits, labels)
        if checkpoints is not None:
            checkpoints.save_when_due()


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
