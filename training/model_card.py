"""MODEL_CARD.md, which travels with the model: what it is, what it learned from and how, and how good it is."""

import importlib.metadata
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from progress import Epoch
from results import Results

FILE_NAME = "MODEL_CARD.md"
PACKAGES = ("torch", "torchvision", "numpy", "pillow", "openvino")


@dataclass(frozen=True)
class Data:
    """A channel: its readable images, how many files were none, and its data's digest (data_digest.py)."""

    channel: str
    images: int
    skipped: int
    digest: str


@dataclass(frozen=True)
class ModelCard:
    """`weights` says where the backbone started from, `settings` are all hyperparameters, `best` the epoch saved."""

    job: str
    architecture: str
    classes: int
    image_size: int
    weights: str
    data: Sequence[Data]
    settings: Mapping[str, object]
    best: Epoch
    results: Results | None

    def write(self, folder: Path) -> None:
        """Write it beside the model."""
        (folder / FILE_NAME).write_text(self.text(), encoding="utf-8")

    def text(self) -> str:
        """The card in Markdown."""
        parts = [
            f"# {self.job}",
            f"{self.architecture}, {self.classes} classes, {self.image_size} x {self.image_size} pixels. It names one"
            " of its classes for any image: what shows none of them gets a class as well, often an unlikely one.",
            "## Figures",
            _table(("", "images", "top-1", "top-5", "loss", "calibration error"), self._figures()),
            "The epoch was chosen by the validation channel, so its figures are a little too good."
            + ("" if self.results else " There was no test channel."),
            "## Data",
            _table(("channel", "images", "unreadable files", "SHA-256"), [
                (one.channel, str(one.images), str(one.skipped), f"`{one.digest}`") for one in self.data
            ]),
            "## Training",
            f"Weights at the start: {self.weights}. Saved is epoch {self.best.epoch}, of the lowest validation loss."
            " The same settings, data, versions and kind of machine give the same model.",
            _table(("setting", "value"), [(f"`{name}`", f"`{value}`") for name, value in self.settings.items()]),
            "## Versions",
            _table(("", "version"), [("Python", platform.python_version()), *_versions()]),
        ]  # fmt: skip
        return "\n\n".join(parts) + "\n"

    def _figures(self) -> list[tuple[str, ...]]:
        best, results = self.best, self.results
        validation = next((str(one.images) for one in self.data if one.channel == "validation"), "")
        rows: list[tuple[str, ...]] = [
            ("validation", validation, f"{best.validation_accuracy:.2%}", "", f"{best.validation_loss:.4f}", "")
        ]
        if results is not None:
            rows.append(
                (
                    "test",
                    str(results.images),
                    f"{results.top1_accuracy:.2%}",
                    f"{results.top5_accuracy:.2%}",
                    f"{results.loss:.4f}",
                    f"{results.expected_calibration_error:.2%}",
                )
            )
        return rows


def _versions() -> list[tuple[str, str]]:
    """Of the packages that are installed; none of them is imported for it."""
    found = []
    for name in PACKAGES:
        try:
            found.append((name, importlib.metadata.version(name)))
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
