"""What a job leaves in its output folder beside the model: history, skipped files, results on the test channel."""

from dataclasses import asdict
from pathlib import Path

import torch
from classes import breed_name
from epochs import Totals
from image_set import Skipped
from json_file import write_json
from progress import Progress

CONFUSION_PAIRS = 50


def write_history(folder: Path, progress: Progress) -> None:
    """history.json: the epochs' figures and which of them the model is from."""
    folder.mkdir(parents=True, exist_ok=True)
    best = progress.best.epoch if progress.best else None
    write_json(folder / "history.json", {"best_epoch": best, "epochs": [asdict(epoch) for epoch in progress.history]})


def write_skipped(folder: Path, skipped: list[Skipped]) -> None:
    """skipped_images.json: every file that is no readable image, with the reason."""
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "skipped_images.json", [asdict(entry) for entry in skipped])


def write_test_report(
    folder: Path, totals: Totals, logits: torch.Tensor, labels: torch.Tensor, classes: tuple[str, ...]
) -> None:
    """test_report.json: loss, top-1 and top-5 accuracy, results a class, and which classes are taken for which."""
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "test_report.json", summarize(totals, logits, labels, classes))


def summarize(
    totals: Totals, logits: torch.Tensor, labels: torch.Tensor, classes: tuple[str, ...]
) -> dict[str, object]:
    """Figures over `logits` [N, classes] against `labels` [N]; precision and recall are null where undefined."""
    best = logits.topk(min(5, len(classes)), dim=1).indices
    predicted = best[:, 0]
    confusion = torch.zeros((len(classes), len(classes)), dtype=torch.int64)  # [label, predicted]
    confusion.index_put_((labels, predicted), torch.ones_like(labels), accumulate=True)
    return {
        "images": totals.images,
        "loss": totals.mean_loss,
        "top1_accuracy": totals.accuracy,
        "top5_accuracy": float((best == labels[:, None]).any(1).float().mean()),
        "classes": [
            {
                "index": index,
                "folder": folder,
                "breed": breed_name(folder),
                "support": int(confusion[index].sum()),
                "precision": _share(confusion[index, index], confusion[:, index].sum()),
                "recall": _share(confusion[index, index], confusion[index].sum()),
            }
            for index, folder in enumerate(classes)
        ],
        "confusions": _confusions(confusion, classes),
    }


def _share(part: torch.Tensor, whole: torch.Tensor) -> float | None:
    return int(part) / int(whole) if int(whole) else None


def _confusions(confusion: torch.Tensor, classes: tuple[str, ...]) -> list[dict[str, int | str]]:
    """The most frequent pairs of a class and what it was taken for."""
    pairs = [
        {"class": classes[label], "taken_for": classes[predicted], "images": int(confusion[label, predicted])}
        for label, predicted in confusion.nonzero().tolist()
        if label != predicted
    ]
    pairs.sort(key=lambda pair: (-int(pair["images"]), str(pair["class"]), str(pair["taken_for"])))
    return pairs[:CONFUSION_PAIRS]
