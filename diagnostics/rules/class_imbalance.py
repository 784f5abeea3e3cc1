"""ClassImbalance: classes that are rare in training, or that the network gets wrong for being rare."""

import math
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from diagnostics.rules.class_pairs import HOW, Classes, NoClasses, Pairs, labels_at, pairs_at
from diagnostics.rules.finding import Finding
from diagnostics.rules.parameters import ParameterOutOfRange, at_least, regexes
from diagnostics.rules.rule import Rule
from diagnostics.rules.saving import save
from diagnostics.tensors.collections import Collections
from diagnostics.tensors.saved_step import Mode, SavedStep

AWS_CLASSES = 10  # for which the default of 500 samples is made
FEWEST = 10  # samples of a class that say something of its mispredictions
_WHY = "The network minimises the mean loss: it learns the frequent classes, and the rare ones hardly count."
_ADVICE = (
    "Add images of the rare class to the train channel, or take some of the frequent ones out.",
    "Draw the classes equally often (torch.utils.data.WeightedRandomSampler), or give nn.CrossEntropyLoss a weight for "
    "each class.",
    "Vary the images that there are: --augment true.",
)


@dataclass
class _Seen:
    """Of one mode: how often each class came as a label, and since the last look what was predicted for it."""

    labels: Counter[int] = field(default_factory=Counter)
    pairs: Counter[tuple[int, int]] = field(default_factory=Counter)


@dataclass
class ClassImbalance(Rule):
    """Fires where, among the labels of a mode so far, the most frequent class occurs more than `threshold_imbalance`
    times as often as the rarest that occurs at all; or where more than `threshold_misprediction` (a share) of a class's
    samples are mispredicted, while of all samples no more than that are.

    The latter condition sets imbalance apart from a network that has not learnt anything yet, and is judged over the
    samples since the last look, in classes with ten samples or more. A look is taken, and the imbalance judged, at
    every `samples` labels for up to ten classes (as AWS assumes of its 500) and in proportion for more. Labels below 0
    do not count. Labels are class indices or one-hot; predictions class indices or, with `argmax`, a figure a class.
    """

    threshold_imbalance: float = 10.0
    threshold_misprediction: float = 0.7
    samples: int = 500
    argmax: bool = False
    labels_regex: str = ".*labels"
    predictions_regex: str = ".*predictions"
    _seen: dict[Mode, _Seen] = field(default_factory=dict, init=False, repr=False)
    _looked: dict[Mode, int] = field(default_factory=dict, init=False, repr=False)
    _judged: bool = field(default=False, init=False, repr=False)
    _missing: str = field(default="", init=False, repr=False)

    def __post_init__(self) -> None:
        at_least(1, threshold_imbalance=self.threshold_imbalance, samples=self.samples)
        if not 0 <= self.threshold_misprediction <= 1:
            raise ParameterOutOfRange("threshold_misprediction", self.threshold_misprediction, "a share from 0 to 1")
        regexes(labels_regex=self.labels_regex, predictions_regex=self.predictions_regex)

    def selects(self, collections: Collections) -> Callable[[str], bool]:  # noqa: ARG002 - by name alone
        """Labels and predictions."""
        return lambda name: self._labels(name) or self._predictions(name)

    def observe(self, step: SavedStep) -> Finding | None:
        """Count the step's labels, and judge where there are enough."""
        seen = self._seen.setdefault(step.mode, _Seen())
        try:
            labels = labels_at(step, self._labels)
            if labels is None:
                return None
            seen.labels += _counted(labels[1])
            pairs = pairs_at(step, self._labels, self._predictions, argmax=self.argmax)
            if pairs is not None:
                seen.pairs += pairs.counts()
        except NoClasses as reason:
            self._missing, pairs = str(reason), None
        total = seen.labels.total()
        if total - self._looked.get(step.mode, 0) < self._needed(seen):
            return None
        self._looked[step.mode], since, seen.pairs = total, seen.pairs, Counter()
        self._judged = True
        name = labels[0] if labels is not None else self.labels_regex
        return self._imbalance(step, name, seen.labels) or self._mispredicted(step, pairs, since)

    def unjudged(self) -> str | None:
        """No labels were saved, or too few."""
        if self._judged:
            return None
        most = max((seen.labels.total() for seen in self._seen.values()), default=0)
        if most:
            needed = max(self._needed(seen) for seen in self._seen.values())
            return f"Too few samples: {most} labels were saved, {needed} are needed. Save more often: {self._advice()}."
        reason = f" ({self._missing})" if self._missing else ""
        return f"No labels like {self.labels_regex!r} were saved{reason}. {self._advice()}."

    def _labels(self, name: str) -> bool:
        return not name.startswith("gradient/") and re.search(self.labels_regex, name) is not None

    def _predictions(self, name: str) -> bool:
        return not name.startswith("gradient/") and re.search(self.predictions_regex, name) is not None

    def _advice(self) -> str:
        saving = save("classes", include_regex="CrossEntropyLoss_input", save_interval=1)
        return (
            f"{HOW}: {saving}, and set labels_regex to CrossEntropyLoss_input_1, predictions_regex to "
            "CrossEntropyLoss_input_0 and argmax to true"
        )

    def _needed(self, seen: _Seen) -> int:
        return math.ceil(self.samples * max(1.0, len(seen.labels) / AWS_CLASSES))

    def _imbalance(self, step: SavedStep, tensor: str, labels: Counter[int]) -> Finding | None:
        (most, largest), (rarest, smallest) = (
            labels.most_common(1)[0],
            min(labels.items(), key=lambda item: (item[1], item[0])),
        )
        ratio = largest / smallest
        if not ratio > self.threshold_imbalance:
            return None
        what = (
            f"Class {most} has {largest} labels in {tensor} and class {rarest} has {smallest}, up to step {step.step}: "
            f"{ratio:.4g} times as many, the threshold is {self.threshold_imbalance:g}."
        )
        return self._finding(step, tensor, ratio, self.threshold_imbalance, what)

    def _mispredicted(self, step: SavedStep, pairs: Pairs | None, since: Counter[tuple[int, int]]) -> Finding | None:
        totals: Counter[int] = Counter()
        wrong: Counter[int] = Counter()
        for (label, prediction), times in since.items():
            totals[label] += times
            wrong[label] += times * (label != prediction)
        bound = self.threshold_misprediction
        if pairs is None or wrong.total() > bound * totals.total():
            return None
        rates = {label: wrong[label] / totals[label] for label in sorted(totals) if totals[label] >= FEWEST}
        if not rates or not max(rates.values()) > bound:
            return None
        worst = max(rates, key=lambda label: rates[label])
        what = (
            f"{wrong[worst]} of {totals[worst]} samples of class {worst} are mispredicted in {pairs.tensor} up to step "
            f"{step.step}: {rates[worst]:.4g}, the threshold is {bound:g}; of all samples "
            f"{wrong.total() / totals.total():.4g} are."
        )
        return self._finding(step, pairs.tensor, rates[worst], bound, what)

    def _finding(self, step: SavedStep, tensor: str, value: float, threshold: float, what: str) -> Finding:
        return Finding(
            step=step.step,
            mode=step.mode,
            mode_step=step.mode_step,
            tensor=tensor,
            value=value,
            threshold=threshold,
            what=what,
            why=_WHY,
            advice=_ADVICE,
        )


def _counted(labels: Classes) -> Counter[int]:
    classes, times = np.unique(labels[labels >= 0], return_counts=True)
    return Counter({int(label): int(n) for label, n in zip(classes, times, strict=True)})
