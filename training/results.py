"""How good the network is on the test channel: accuracy, results a class, what is taken for what, calibration."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from calibration import Bin, expected_calibration_error, reliability
from classes import breed_name

CONFUSION_PAIRS = 50


@dataclass(frozen=True)
class ClassResult:
    """`support` are the class's images. Precision is None where nothing was taken for it, recall without images."""

    index: int
    folder: str
    breed: str
    support: int
    precision: float | None
    recall: float | None


@dataclass(frozen=True)
class Confusion:
    """So many images of the class `folder` were taken for the class `taken_for`."""

    folder: str
    taken_for: str
    images: int


@dataclass(frozen=True)
class Results:
    """Shares are 0..1; `confusions` are the most frequent ones, `reliability` the bins of the calibration error."""

    images: int
    loss: float
    top1_accuracy: float
    top5_accuracy: float
    expected_calibration_error: float
    classes: Sequence[ClassResult]
    confusions: Sequence[Confusion]
    reliability: Sequence[Bin]


def results_of(loss: float, logits: torch.Tensor, labels: torch.Tensor, classes: Sequence[str]) -> Results:
    """Figures over `logits` [N, classes] against `labels` [N]; `loss` is the mean one."""
    best = logits.topk(min(5, len(classes)), dim=1).indices
    predicted = best[:, 0]
    confusion = torch.zeros((len(classes), len(classes)), dtype=torch.int64)  # [label, predicted]
    confusion.index_put_((labels, predicted), torch.ones_like(labels), accumulate=True)
    bins = reliability(logits, labels)
    return Results(
        images=len(labels),
        loss=loss,
        top1_accuracy=float((predicted == labels).double().mean()),
        top5_accuracy=float((best == labels[:, None]).any(1).double().mean()),
        expected_calibration_error=expected_calibration_error(bins),
        classes=[
            ClassResult(
                index=index,
                folder=folder,
                breed=breed_name(folder),
                support=int(confusion[index].sum()),
                precision=_share(confusion[index, index], confusion[:, index].sum()),
                recall=_share(confusion[index, index], confusion[index].sum()),
            )
            for index, folder in enumerate(classes)
        ],
        confusions=_confusions(confusion, classes),
        reliability=bins,
    )


def _share(part: torch.Tensor, whole: torch.Tensor) -> float | None:
    return int(part) / int(whole) if int(whole) else None


def _confusions(confusion: torch.Tensor, classes: Sequence[str]) -> list[Confusion]:
    """The most frequent pairs of a class and what it was taken for."""
    pairs = [
        Confusion(classes[label], classes[predicted], int(confusion[label, predicted]))
        for label, predicted in confusion.nonzero().tolist()
        if label != predicted
    ]
    pairs.sort(key=lambda pair: (-pair.images, pair.folder, pair.taken_for))
    return pairs[:CONFUSION_PAIRS]
