"""Optimiser and learning rate."""

import math
from typing import Any

from arguments import Arguments
from layer_groups import Group
from optimizers import SGD, AdamW, Optimizer


def build_optimizer(groups: list[Group], arguments: Arguments) -> Optimizer:
    """The optimiser of all parameters of `groups`, of which each but the first has --layer-decay of the last's rate."""
    parameters: list[dict[str, Any]] = [
        {
            "params": [parameter for module in group for parameter in module.parameters()],
            "lr": arguments.lr * arguments.layer_decay**number,
            "scale": arguments.layer_decay**number,
        }
        for number, group in enumerate(groups)
    ]
    parameters = [group for group in parameters if group["params"]]
    if arguments.optimizer == "sgd":
        return SGD(
            parameters,
            momentum=arguments.momentum,
            weight_decay=arguments.weight_decay,
            nesterov=arguments.nesterov,
        )
    betas = (arguments.momentum, 0.999)
    return AdamW(parameters, betas=betas, weight_decay=arguments.weight_decay)


def learning_rate(arguments: Arguments, step: int, steps: int) -> float:
    """The head's rate in step `step` (from 0, over all epochs) where an epoch has `steps`.

    It depends on nothing else, so a resumed job needs no scheduler's state.
    """
    warmup = round(arguments.warmup_epochs * steps)
    if step < warmup:
        return arguments.lr * (step + 1) / (warmup + 1)
    if arguments.scheduler == "cosine":
        done = (step - warmup) / (arguments.epochs * steps - warmup)
        return arguments.lr * (1 + math.cos(math.pi * done)) / 2
    if arguments.scheduler == "step":
        return arguments.lr * arguments.gamma ** (step // steps // arguments.step_size)
    return arguments.lr


def set_learning_rate(optimizer: Optimizer, rate: float) -> None:
    """Let the optimiser take steps of `rate` from now on, each group at its own share of it."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group["scale"]
