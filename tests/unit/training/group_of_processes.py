"""A process of a group, or one alone, that trains small networks for test_process_group.py.

    python group_of_processes.py FOLDER      with torchrun's variables, or without

It writes FOLDER/RANK.json, a member a scenario.
"""

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "training"))

from agreed_stop import AgreedStop  # type: ignore[import-not-found]
from arguments import parse_arguments  # type: ignore[import-not-found]
from batches import FeatureBatches  # type: ignore[import-not-found]
from checkpoint import load_checkpoint, save_checkpoint  # type: ignore[import-not-found]
from fit import Pass, fit  # type: ignore[import-not-found]
from learner import Learner  # type: ignore[import-not-found]
from networks import Classifier  # type: ignore[import-not-found]
from observers import Observers  # type: ignore[import-not-found]
from order import Order  # type: ignore[import-not-found]
from process_group import ProcessGroup  # type: ignore[import-not-found]
from progress import Progress  # type: ignore[import-not-found]
from stopping import StopRequest, StopRequested  # type: ignore[import-not-found]
from torchrun import joined  # type: ignore[import-not-found]

CLASSES = ("a", "b", "c")
IMAGES, JUDGED = 23, 9  # the last batch of 23 by 8 has 7, of which one process has four
HEAD = ("--lr", "0.05", "--class-weights", "none")
ALL_LAYERS = ("--freeze-backbone", "false", "--lr", "0.01", "--clip-grad-norm", "0.5", "--label-smoothing", "0.1")
UNFREEZING = (*ALL_LAYERS, "--unfreeze-epochs", "2", "--ema-decay", "0.9", "--scheduler", "cosine")
RANDOM = (*ALL_LAYERS, "--mixup", "0.4", "--ema-decay", "0.9", "--warmup-epochs", "1")


class Backbone(nn.Module):
    """Two groups of layers, without batch normalisation unless asked for."""

    def __init__(self, normalised: bool) -> None:
        super().__init__()
        norm = nn.BatchNorm2d(4) if normalised else nn.Identity()
        self.features = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Sequential(nn.ReLU(), norm, nn.Conv2d(4, 5, 3)))
        self.classifier = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        features: torch.Tensor = self.classifier(self.features(images))
        return features


class Job:
    """A classifier of small images, trained as training_job.py does it."""

    def __init__(self, group: ProcessGroup, flags: tuple[str, ...], *, dropout: float = 0.0, normalised: bool = False):
        self.group = group
        self.arguments = parse_arguments(["--batch-size", "8", "--epochs", "4", *flags], cpus=1, description="")
        torch.manual_seed(group.share.rank)  # the first one's weights must become everybody's
        frozen = self.arguments.freeze_backbone
        self.network = Classifier(Backbone(normalised), 5, 3, dropout=dropout, frozen=frozen)
        group.prepare(self.network)
        self.learner = Learner(self.arguments, self.network, share=group.share)
        self.stop = StopRequest()
        self.agreed = AgreedStop(self.stop, group)
        self.progress = Progress()
        random = torch.Generator().manual_seed(1)
        self.images = torch.randn((IMAGES + JUDGED, 3, 6, 6), generator=random)
        self.labels = (self.images.mean((1, 2, 3)) * 20).long().clamp(-1, 1) + 1

    def fit(self, watch: Callable[[Iterator[Any]], Iterator[Any]] = iter) -> str:
        """`watch` sees each epoch's batches."""
        orders = Order(IMAGES, 8, 3, self.group.share), Order(JUDGED, 8, None, self.group.share)
        learned = FeatureBatches(lambda _: self.images[:IMAGES], self.labels[:IMAGES], orders[0])
        judged = FeatureBatches(lambda _: self.images[IMAGES:], self.labels[IMAGES:], orders[1])
        epoch = learned.epoch
        learned.epoch = lambda number, skip=0: watch(epoch(number, skip))
        criterion = nn.CrossEntropyLoss(label_smoothing=self.arguments.label_smoothing)
        reason: str = fit(
            self.learner,
            training=Pass(self.network, learned, criterion),
            validation=Pass(self.network, judged, nn.CrossEntropyLoss()),
            progress=self.progress,
            observers=Observers(),
            stop=self.agreed,
            save=lambda: None,
            group=self.group,
        )
        return reason

    def result(self) -> dict[str, Any]:
        """What the processes must agree in, and one alone with them."""
        state = self.progress.best_state or {}
        return {
            "epochs": [[e.train_loss, e.train_accuracy, e.validation_loss, e.validation_accuracy, e.lr]
                       for e in self.progress.history],
            "weights": [value for tensor in state.values() for value in tensor.double().flatten().tolist()],
        }  # fmt: skip


def trained(job: Job) -> dict[str, Any]:
    """A job that is trained to its end."""
    return {"reason": job.fit(), **job.result()}


def stopped_and_resumed(group: ProcessGroup, folder: Path, *, by_itself: bool) -> dict[str, Any]:
    """SIGTERM comes to the last process alone, in the second epoch; then all go on from the first one's file.

    `by_itself`: it raises StopRequested between two checks, as who reads images does.
    """
    job = Job(group, RANDOM, dropout=0.5)
    is_last = group.share.rank == group.share.world_size - 1

    def watch(batches: Iterator[Any]) -> Iterator[Any]:
        for number, batch in enumerate(batches):
            if job.progress.next_epoch == 2 and number == 1 and is_last:
                job.stop.make()
                if by_itself:
                    raise StopRequested
            yield batch

    try:
        job.fit(watch)
    except StopRequested:
        job.agreed.tell()
    stopped = [job.progress.next_epoch, job.progress.totals.batches, job.stop.is_made]
    if group.is_first:
        save_checkpoint(folder, job.arguments, CLASSES, progress=job.progress, learner=job.learner)
    again = Job(group, RANDOM, dropout=0.5)
    mine = folder if group.is_first else folder / "another host's"
    again.progress = load_checkpoint(mine, again.arguments, CLASSES, again.learner, group)
    return {"stopped": stopped, **trained(again)}


def main(folder: Path) -> None:
    """All scenarios; in the last one a group loses its last process."""
    torch.set_num_threads(1)
    with joined(os.environ) as group:
        share = group.share
        results = {
            "head": trained(Job(group, HEAD)),
            "all layers": trained(Job(group, ALL_LAYERS)),
            "unfreezing": trained(Job(group, UNFREEZING)),
            "normalised": trained(Job(group, ALL_LAYERS, normalised=True)),
            "random": trained(Job(group, RANDOM, dropout=0.5)),
            "resumed": stopped_and_resumed(group, folder / f"of-{share.world_size}", by_itself=False),
            "resumed by itself": stopped_and_resumed(group, folder / f"of-{share.world_size}-more", by_itself=True),
            "exchanged": {
                "sum": group.sum(share.rank + 1, 0.5),
                "any": [group.any(share.rank == 1), group.any(False)],
                "same": [group.is_same(7), group.is_same(7 + share.rank)],
                "first": [str(group.from_first(content)) for content in (b"a", b"", None)],
            },
        }
        (folder / f"{share.rank}-of-{share.world_size}.json").write_text(json.dumps(results))
        if share.world_size > 1:
            if share.rank == share.world_size - 1:
                os.kill(os.getpid(), signal.SIGKILL)
            trained(Job(group, HEAD))
        group.leave()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
