"""One pass over a channel, learning or judging."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import torch
from batches import Batch
from learner import Learner
from process_group import ALONE, ProcessGroup
from stopping import Stop
from torch import nn


@dataclass
class Totals:
    """Sums over the images seen so far in this pass, by all processes."""

    loss: float = 0.0
    correct: int = 0
    images: int = 0
    batches: int = 0

    def add(self, loss: torch.Tensor, logits: torch.Tensor, labels: torch.Tensor, group: ProcessGroup = ALONE) -> None:
        """Count one batch, of which this process's share has the mean loss `loss`."""
        correct = int((logits.argmax(1) == labels).sum())
        sums = group.sum(loss.item() * len(labels), correct, len(labels))
        self.loss += sums[0]
        self.correct += int(sums[1])
        self.images += int(sums[2])
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


def equally(_batch: int) -> float:
    """The weight of each batch's loss where no share of it is another process's."""
    return 1.0


def train_one_epoch(
    learner: Learner,
    network: nn.Module,
    criterion: nn.Module,
    batches: Iterator[Batch],
    *,
    epoch: int,
    steps: int,
    totals: Totals,
    stop: Stop,
    checkpoints: Checkpoints | None = None,
    weight: Callable[[int], float] = equally,
    group: ProcessGroup = ALONE,
) -> None:
    """Take one step a batch and count it in `totals`, from which an epoch of `steps` that had begun goes on.

    `weight` is what the loss of a batch's share counts by. Raises StopRequested between two batches.
    """
    learner.begin_epoch(epoch)
    network.train()
    network = group.replicated(network)
    for inputs, labels in batches:
        stop.check()
        batch = totals.batches
        place = {"epoch": epoch, "batch": batch, "steps": steps}
        loss, logits = learner.step(network, criterion, inputs, labels, **place, weight=weight(batch))
        totals.add(loss, logits, labels, group)
        if checkpoints is not None:
            checkpoints.save_when_due()


@torch.no_grad()
def evaluate(
    network: nn.Module,
    criterion: nn.Module,
    batches: Iterator[Batch],
    stop: Stop,
    group: ProcessGroup = ALONE,
) -> tuple[Totals, torch.Tensor, torch.Tensor]:
    """Totals over all batches, and this process's logits [N, classes] and labels [N].

    Raises StopRequested between two batches.
    """
    network.eval()
    totals, all_logits, all_labels = Totals(), [], []
    for inputs, labels in batches:
        stop.check()
        logits = network(inputs)
        totals.add(criterion(logits, labels), logits, labels, group)
        all_logits.append(logits.cpu())
        all_labels.append(labels.cpu())
    return totals, torch.cat(all_logits), torch.cat(all_labels)
