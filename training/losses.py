"""What is minimised, and what is judged."""

from collections.abc import Sequence

import torch
from arguments import Arguments
from torch import nn


def training_loss(arguments: Arguments, labels: Sequence[int], classes: int, device: torch.device) -> nn.Module:
    """Cross entropy with --label-smoothing and --class-weights; `labels` are those of the train channel."""
    weights = balanced_weights(labels, classes).to(device) if arguments.class_weights == "balanced" else None
    return nn.CrossEntropyLoss(weight=weights, label_smoothing=arguments.label_smoothing)


def balanced_weights(labels: Sequence[int], classes: int) -> torch.Tensor:
    """Weights [classes] by which all classes that have images weigh the same; their mean over the images is 1."""
    counts = torch.bincount(torch.as_tensor(labels, dtype=torch.int64), minlength=classes).double()
    weights = len(labels) / ((counts > 0).sum() * counts.clamp(min=1))
    return torch.where(counts > 0, weights, torch.zeros_like(weights)).float()
