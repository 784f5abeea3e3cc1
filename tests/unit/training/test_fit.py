import math
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import nn

from tests.unit.training.scripts import FOLDER, Scripts


class Watched:
    """In the timeline's place: the steps that were taken, by mode and number."""

    def __init__(self) -> None:
        self.steps: list[tuple[str, int]] = []

    def watch(self, mode: str, batches: Iterator[Any], first: int) -> Iterator[Any]:
        for number, batch in enumerate(batches, first):
            yield batch
            self.steps.append((mode, number))


class Job:
    """A linear classifier on twelve points, three batches an epoch."""

    def __init__(self, scripts: Scripts, *flags: str) -> None:
        self.scripts = scripts
        self.arguments = scripts.arguments.parse_arguments(["--epochs", "4", *flags], cpus=1, description="")
        torch.manual_seed(0)
        self.network = nn.Sequential(nn.Dropout(0.5), nn.Linear(4, 2))
        self.optimizer = scripts.schedule.build_optimizer(self.network.parameters(), self.arguments)
        self.progress = scripts.progress.Progress()
        self.saved = 0
        self.watched = Watched()

    def fit(self, stop: Any) -> str:
        points = torch.randn((12, 4), generator=torch.Generator().manual_seed(1))
        labels = (points[:, 0] > 0).long()
        batches = [self.scripts.batches.FeatureBatches(points, labels, 4, seed=seed) for seed in (3, None)]
        training, validation = (self.scripts.fit.Pass(self.network, each, nn.CrossEntropyLoss()) for each in batches)
        reason: str = self.scripts.fit.fit(
            self.arguments,
            self.network,
            self.optimizer,
            training=training,
            validation=validation,
            progress=self.progress,
            observers=self.scripts.observers.Observers(timeline=self.watched),
            stop=stop,
            save=self.save,
        )
        return reason

    def save(self) -> None:
        self.saved += 1

    def losses(self) -> list[tuple[float, float]]:
        return [(epoch.train_loss, epoch.validation_loss) for epoch in self.progress.history]


class StopAt:
    """A stop request that comes true at the nth check."""

    def __init__(self, scripts: Scripts, check: int) -> None:
        self.error = scripts.stopping.StopRequested
        self.left = check

    def check(self) -> None:
        self.left -= 1
        if self.left == 0:
            raise self.error


@pytest.mark.parametrize("check", [2, 5, 8, 11])
def test_stopped_within_an_epoch_it_goes_on_with_the_next_batch(scripts: Scripts, check: int) -> None:
    whole = Job(scripts)
    assert whole.fit(scripts.stopping.StopRequest()) == "all epochs are trained"
    assert whole.saved == 4
    interrupted = Job(scripts)
    with pytest.raises(scripts.stopping.StopRequested):
        interrupted.fit(StopAt(scripts, check))
    interrupted.progress = scripts.progress.progress_from_plain(interrupted.progress.as_plain())
    before = interrupted.watched.steps
    interrupted.watched = Watched()
    interrupted.fit(scripts.stopping.StopRequest())
    assert interrupted.losses() == whole.losses()
    assert whole.watched.steps == [
        (mode, 3 * epoch + batch) for epoch in range(4) for mode in ("TRAIN", "EVAL") for batch in range(3)
    ]
    # A validation pass that was interrupted is taken again, with the same numbers.
    assert before == whole.watched.steps[: len(before)]
    assert whole.watched.steps[-len(interrupted.watched.steps) :] == interrupted.watched.steps
    assert len(before) + len(interrupted.watched.steps) >= len(whole.watched.steps)


def test_patience_ends_it_early(scripts: Scripts) -> None:
    # A step of 1e-30 changes no float32: the validation loss never falls after the first epoch.
    job = Job(scripts, "--patience", "2", "--epochs", "50", "--lr", "1e-30")
    assert job.fit(scripts.stopping.StopRequest()) == "validation:loss has not fallen for 2 epochs"
    assert len(job.progress.history) == 3


def test_a_loss_that_is_no_number_ends_it(scripts: Scripts) -> None:
    job = Job(scripts, "--optimizer", "sgd", "--lr", "1e38")
    assert "finite" in job.fit(scripts.stopping.StopRequest())
    assert not math.isfinite(sum(job.losses()[-1]))


def test_sigterm_is_remembered() -> None:
    script = """
import signal
from stopping import StopRequest, StopRequested

stop = StopRequest()
stop.listen()
stop.check()
signal.raise_signal(signal.SIGTERM)
try:
    stop.check()
except StopRequested:
    print("remembered")
"""
    command = [sys.executable, "-c", script]
    ran = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, check=False, timeout=60)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "remembered\n", "")
