"""The loop over epochs."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from arguments import Arguments
from batches import Batches
from epochs import evaluate, train_one_epoch
from observers import Observers
from progress import Epoch, Progress
from schedule import learning_rate, set_learning_rate
from stopping import StopRequest
from torch import nn


@dataclass(frozen=True)
class Pass:
    """One channel's pass: `network` turns what `batches` yield into logits, `criterion` judges them."""

    network: nn.Module
    batches: Batches
    criterion: nn.Module


def fit(
    arguments: Arguments,
    classifier: nn.Module,
    optimizer: torch.optim.Optimizer,
    *,
    training: Pass,
    validation: Pass,
    progress: Progress,
    observers: Observers,
    stop: StopRequest,
    save: Callable[[], None],
) -> str:
    """Train until the epochs are over, and say why; `progress` always holds what `save` needs to write a checkpoint.

    Raises StopRequested; the epoch under way is then in `progress.totals`.
    """
    while (reason := progress.is_over(arguments.epochs, arguments.patience)) is None:
        number, totals = progress.next_epoch, progress.totals
        rate = learning_rate(arguments, number)
        set_learning_rate(optimizer, rate)
        started_at, images_before = time.monotonic(), totals.images
        batches = observers.training(
            training.batches.epoch(number, skip=totals.batches), first=progress.next_train_step
        )
        train_one_epoch(training.network, training.criterion, optimizer, batches, totals=totals, stop=stop)
        seconds = time.monotonic() - started_at
        batches = observers.evaluation(validation.batches.epoch(number), first=progress.evaluation_steps)
        judged, _, _ = evaluate(validation.network, validation.criterion, batches, stop)
        epoch = Epoch(
            epoch=number,
            train_loss=totals.mean_loss,
            train_accuracy=totals.accuracy,
            validation_loss=judged.mean_loss,
            validation_accuracy=judged.accuracy,
            lr=rate,
            images_per_second=(totals.images - images_before) / seconds,
        )
        progress.finish_epoch(epoch, classifier.state_dict(), evaluation_steps=judged.batches)
        save()
        print(epoch.line(), flush=True)
    return reason
