"""Labels and predictions of a saved step, as class indices."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from diagnostics.tensors.saved_step import SavedStep, Tensor, TensorMissing

MOST_CLASSES = 100_000
HOW = (
    "With nn.CrossEntropyLoss the labels are CrossEntropyLoss_input_1 and the predictions, as logits, "
    "CrossEntropyLoss_input_0"
)

Classes = npt.NDArray[np.int64]
Chosen = Callable[[str], bool]


class NoClasses(Exception):
    """The step's tensors are no labels and predictions; the message says why."""


@dataclass(frozen=True)
class Pairs:
    """A label and a prediction for each sample, and how many classes the predictions could tell apart (0: unknown)."""

    tensor: str
    labels: Classes
    predictions: Classes
    categories: int = 0

    def counts(self) -> Counter[tuple[int, int]]:
        """How often each (label, prediction) occurs."""
        pairs, times = np.unique(self.labels * MOST_CLASSES + self.predictions, return_counts=True)
        return Counter({divmod(int(pair), MOST_CLASSES): int(n) for pair, n in zip(pairs, times, strict=True)})


def labels_at(step: SavedStep, chosen: Chosen) -> tuple[str, Classes] | None:
    """The first tensor of labels, by name, one-hot or not; negative ones (ignored samples) are kept.

    None where the step has none. Raises NoClasses.
    """
    name = _first(step, chosen)
    if name is None:
        return None
    labels = _read(step, name)
    if labels.ndim == 2 and labels.shape[1] > 1 and labels.dtype.kind == "f":
        return name, np.argmax(labels, axis=1)
    return name, _indices(name, labels.reshape(-1))


def pairs_at(step: SavedStep, are_labels: Chosen, are_predictions: Chosen, *, argmax: bool | None) -> Pairs | None:
    """Labels with predictions, samples with negative labels left out; `argmax` None: where predictions are vectors.

    None where the step has labels or predictions missing. Raises NoClasses.
    """
    labels, name = labels_at(step, are_labels), _first(step, are_predictions)
    if labels is None or name is None:
        return None
    values, categories = _read(step, name), 0
    vectors = values.ndim >= 2 and values.shape[1] > 1 and values.shape[0] > 0
    if vectors and (argmax or (argmax is None and values.size != labels[1].size)):
        categories = values.shape[1]
        predictions = np.argmax(values, axis=1).reshape(-1).astype(np.int64)
    else:
        predictions = _indices(name, values.reshape(-1))
    if len(predictions) != len(labels[1]):
        hint = ": set the parameter argmax to true" if vectors and not argmax else ""
        raise NoClasses(
            f"{name} {list(values.shape)} has {len(predictions)} predictions for {len(labels[1])} labels{hint}"
        )
    kept = (labels[1] >= 0) & (predictions >= 0)
    return Pairs(name, labels[1][kept], predictions[kept], categories)


def _first(step: SavedStep, chosen: Chosen) -> str | None:
    return next(iter(step.matching(chosen)), None)


def _read(step: SavedStep, name: str) -> Tensor:
    try:
        return step.tensor(name)
    except TensorMissing as missing:
        raise NoClasses(str(missing)) from missing


def _indices(name: str, values: Tensor) -> Classes:
    """Raises NoClasses for what is not a whole number, or too large a one."""
    if values.dtype.kind not in "iubf":
        raise NoClasses(f"{name} holds no numbers")
    if (
        values.size
        and values.dtype.kind == "f"
        and not bool((np.isfinite(values) & (values == np.floor(values))).all())
    ):
        raise NoClasses(f"{name} holds no class indices: its values are not whole numbers")
    if values.size and float(values.max()) >= MOST_CLASSES:
        raise NoClasses(f"{name} holds no class indices: {values.max()} is above {MOST_CLASSES - 1}")
    if values.size and float(values.min()) < -(2**31):
        raise NoClasses(f"{name} holds no class indices: {values.min()} is below any that a loss ignores")
    return values.astype(np.int64)
