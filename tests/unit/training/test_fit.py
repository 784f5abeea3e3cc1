import math
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
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
        self.learner = scripts.learner.Learner(self.arguments, self.network)
        self.progress = scripts.progress.Progress()
        self.saved = 0
        self.watched = Watched()

    def fit(self, stop: Any) -> str:
        points, labels = self.points()
        orders = [self.scripts.order.Order(len(labels), 4, seed) for seed in (3, None)]
        batches = [self.scripts.batches.FeatureBatches(lambda _: points, labels, order) for order in orders]
        training, validation = (self.scripts.fit.Pass(self.network, each, nn.CrossEntropyLoss()) for each in batches)
        reason: str = self.scripts.fit.fit(
            self.learner,
            training=training,
            validation=validation,
            progress=self.progress,
            observers=self.scripts.observers.Observers(timeline=self.watched),
            stop=stop,
            save=self.save,
        )
        return reason

    def points(self) -> tuple[torch.Tensor, torch.Tensor]:
        points = torch.randn((12, 4), generator=torch.Generator().manual_seed(1))
        return points, (points[:, 0] > 0).long()

    def weights(self) -> list[torch.Tensor]:
        return [*self.network.state_dict().values(), *self.progress.best_state.values()]

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


EVERYTHING = [
    *("--mixup", "0.4", "--ema-decay", "0.9", "--clip-grad-norm", "0.5", "--label-smoothing", "0.1"),
    *("--scheduler", "cosine", "--warmup-epochs", "1.5"),
]


@pytest.mark.parametrize("flags", [[], EVERYTHING], ids=["plain", "everything"])
@pytest.mark.parametrize("check", [2, 5, 8, 11])
def test_stopped_within_an_epoch_it_goes_on_with_the_next_batch(
    scripts: Scripts, tmp_path: Path, check: int, flags: list[str]
) -> None:
    whole = Job(scripts, *flags)
    assert whole.fit(scripts.stopping.StopRequest()) == "all epochs are trained"
    assert whole.saved == 4
    first, second = Job(scripts, *flags), Job(scripts, *flags)
    with pytest.raises(scripts.stopping.StopRequested):
        first.fit(StopAt(scripts, check))
    scripts.checkpoint.save_checkpoint(
        tmp_path, first.arguments, ("a", "b"), progress=first.progress, learner=first.learner
    )
    second.progress = scripts.checkpoint.load_checkpoint(tmp_path, second.arguments, ("a", "b"), second.learner)
    second.fit(scripts.stopping.StopRequest())
    assert second.losses() == whole.losses()
    assert all(torch.equal(one, other) for one, other in zip(second.weights(), whole.weights(), strict=True))
    before, after = first.watched.steps, second.watched.steps
    assert whole.watched.steps == [
        (mode, 3 * epoch + batch) for epoch in range(4) for mode in ("TRAIN", "EVAL") for batch in range(3)
    ]
    # A validation pass that was interrupted is taken again, with the same numbers.
    assert before == whole.watched.steps[: len(before)]
    assert whole.watched.steps[-len(after) :] == after
    assert len(before) + len(after) >= len(whole.watched.steps)


def test_the_same_seed_gives_the_same_weights(scripts: Scripts) -> None:
    losses = []
    for seed in ("1", "1", "2"):
        job = Job(scripts, *EVERYTHING, "--seed", seed)
        job.fit(scripts.stopping.StopRequest())
        losses.append(job.losses())
    assert losses[0] == losses[1] != losses[2]


def test_the_averaged_weights_are_judged_and_kept(scripts: Scripts) -> None:
    job = Job(scripts, "--ema-decay", "0.9", "--lr", "0.1")
    job.fit(scripts.stopping.StopRequest())
    best, live = job.progress.best_state["1.weight"], job.network.state_dict()["1.weight"]
    assert not torch.equal(best, live)
    points, labels = job.points()
    judged = nn.functional.linear(points, best, job.progress.best_state["1.bias"])
    loss = float(nn.functional.cross_entropy(judged, labels))
    assert job.progress.best.validation_loss == pytest.approx(loss, rel=1e-5)


class Seconds:
    """A clock that goes on by a second whenever it is asked."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1
        return self.now


@pytest.mark.parametrize(("seconds", "saves"), [(0.0, 0), (1.0, 9), (4.0, 2), (1000.0, 0)])
def test_checkpoints_within_an_epoch(scripts: Scripts, seconds: float, saves: int) -> None:
    saved: list[int] = []
    checkpoints = scripts.fit.Checkpoints(lambda: saved.append(1), seconds, Seconds())
    for _ in range(9):
        checkpoints.save_when_due()
    assert len(saved) == saves
    checkpoints.save()
    assert len(saved) == saves + 1


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
