"""Optimiser and learning rate."""

import math
from collections.abc import Iterable

import torch
from arguments import Arguments
from torch import nn


def build_optimizer(parameters: Iterable[nn.Parameter], arguments: Arguments) -> torch.optim.Optimizer:
    """The optimiser of those `parameters` that are learned."""
    learned = [parameter for parameter in parameters if parameter.requires_grad]
    if arguments.optimizer == "sgd":
        return torch.optim.SGD(
            learned, lr=arguments.lr, momentum=arguments.momentum, weight_decay=arguments.weight_decay
        )
    betas = (arguments.momentum, 0.999)
    return torch.optim.AdamW(learned, lr=arguments.lr, betas=betas, weight_decay=arguments.weight_decay)


def learning_rate(arguments: Arguments, epoch: int) -> float:
    """The rate of `epoch` (from 1); it depends on nothing else, so a resumed job needs no scheduler's state."""
    if arguments.scheduler == "cosine":
        return arguments.lr * (1 + math.cos(math.pi * (epoch - 1) / arguments.epochs)) / 2
    if arguments.scheduler == "step":
        return arguments.lr * arguments.gamma ** ((epoch - 1) // arguments.step_size)
    return arguments.lr


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Let the optimiser take steps of `rate` from now on."""
    for group in optimizer.param_groups:
        group["lr"] = rate
