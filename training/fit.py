"""The loop over epochs."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from batches import Batches
from epochs import evaluate, train_one_epoch
from learner import Learner, learned_state
from observers import Observers
from process_group import ALONE, ProcessGroup
from progress import Epoch, Progress
from step_times import StepTimes
from stopping import Stop
from torch import nn


@dataclass(frozen=True)
class Pass:
    """One channel's pass: `network` turns what `batches` yield into logits, `criterion` judges them."""

    network: nn.Module
    batches: Batches
    criterion: nn.Module


class Checkpoints:
    """Saves at each epoch's end, and within an epoch where so many `seconds` have passed since; 0: not within."""

    def __init__(self, save: Callable[[], None], seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._save = save
        self._seconds = seconds
        self._clock = clock
        self._saved_at = clock()

    def save(self) -> None:
        """Write one now."""
        self._save()
        self._saved_at = self._clock()

    def save_when_due(self) -> None:
        """Write one where it is time."""
        if self._seconds and self._clock() - self._saved_at >= self._seconds:
            self.save()


def fit(
    learner: Learner,
    *,
    training: Pass,
    validation: Pass,
    progress: Progress,
    observers: Observers,
    stop: Stop,
    save: Callable[[], None],
    group: ProcessGroup = ALONE,
) -> str:
    """Train until the epochs are over, and say why; `progress` always holds what `save` needs to write a checkpoint.

    Raises StopRequested; the epoch under way is then in `progress.totals`.
    """
    arguments = learner.arguments
    checkpoints = Checkpoints(save, arguments.checkpoint_seconds)
    steps = training.batches.order.steps
    while (reason := progress.is_over(arguments.epochs, arguments.patience)) is None:
        number, totals = progress.next_epoch, progress.totals
        started_at, images_before = time.monotonic(), totals.images
        times = StepTimes()
        batches = observers.training(
            training.batches.epoch(number, skip=totals.batches), first=progress.next_train_step
        )
        train_one_epoch(
            learner,
            training.network,
            training.criterion,
            times.watch(batches),
            epoch=number,
            steps=steps,
            totals=totals,
            stop=stop,
            checkpoints=checkpoints,
            weight=training.batches.order.weight,
            group=group,
        )
        seconds = time.monotonic() - started_at
        batches = observers.evaluation(validation.batches.epoch(number), first=progress.evaluation_steps)
        with learner.judged():
            group.take_buffers(validation.network)  # each process's statistics are of what it has seen itself
            judged, _, _ = evaluate(validation.network, validation.criterion, batches, stop, group)
            epoch = Epoch(
                epoch=number,
                train_loss=totals.mean_loss,
                train_accuracy=totals.accuracy,
                validation_loss=judged.mean_loss,
                validation_accuracy=judged.accuracy,
                lr=learner.rate(number, steps - 1, steps),
                images_per_second=(totals.images - images_before) / seconds,
            )
            progress.finish_epoch(epoch, learned_state(learner.network), evaluation_steps=judged.batches)
        checkpoints.save()
        print(epoch.line(), flush=True)
        if (line := times.line()) is not None:
            print(line, flush=True)
    return reason
