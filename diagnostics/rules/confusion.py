"""Confusion: classes that are taken for others."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from diagnostics.rules.class_pairs import HOW, NoClasses, pairs_at
from diagnostics.rules.finding import Finding
from diagnostics.rules.parameters import ParameterOutOfRange, at_least, regexes
from diagnostics.rules.rule import Rule
from diagnostics.rules.saving import save
from diagnostics.tensors.collections import Collections
from diagnostics.tensors.saved_step import Mode, SavedStep

_WHY = "When the network answers one class, the image is too often of another: its answer cannot be relied on there."
_ADVICE = (
    "Look at images of both classes: wrong labels and near duplicates in the train channel are the usual cause.",
    "Add images of both classes, or vary those that there are: --augment true.",
    "Train more of the network (--freeze-backbone false) or a larger one (--arch), or on larger --image-size.",
    "Set min_diag and max_off_diag to what the job is expected to reach.",
)
_ORDER = (Mode.EVAL, Mode.TRAIN, Mode.GLOBAL, Mode.PREDICT)


@dataclass(frozen=True)
class Ratio:
    """A part of the samples that were predicted as `predicted`: those with that label, or another."""

    label: int
    predicted: int
    value: float
    of: int


@dataclass
class _Pass:
    """The confusion of a mode's pass: its steps with no step of another mode among them."""

    step: int
    mode: Mode
    mode_step: int
    tensor: str
    counts: Counter[tuple[int, int]]


@dataclass
class Confusion(Rule):
    """Fires where in the matrix confusion[label][prediction] of the newest pass a ratio on the diagonal,
    confusion[i][i] / sum_j confusion[j][i], is below `min_diag`, or one off it, confusion[j][i] / sum_j
    confusion[j][i], is above `max_off_diag`. A column without a prediction has no ratios.

    (AWS's text divides the diagonal by the sum of the diagonal, by which two equally frequent classes could never pass
    0.9; here both divide by the column, and so add up to 1.)

    A pass is a mode's steps with no step of another mode among them. It is judged when the job has ended, so that what
    was confused at first does not count, in the first mode of EVAL, TRAIN and GLOBAL that had labels. Classes from
    `category_no` on, and labels below 0, are left out. `labels` and `predictions` are names or regexes, and tensors of
    `labels_collection` and `predictions_collection` are read as well. Predictions are indices, or figures a class, of
    which the largest counts.
    """

    category_no: int | None = None
    labels: str = "labels"
    predictions: str = "predictions"
    labels_collection: str = "labels"
    predictions_collection: str = "predictions"
    min_diag: float = 0.9
    max_off_diag: float = 0.1
    _passes: dict[Mode, _Pass] = field(default_factory=dict, init=False, repr=False)
    _missing: str = field(default="", init=False, repr=False)

    def __post_init__(self) -> None:
        at_least(2, category_no=self.category_no)
        for name in ("min_diag", "max_off_diag"):
            if not 0 <= getattr(self, name) <= 1:
                raise ParameterOutOfRange(name, getattr(self, name), "a share from 0 to 1")
        regexes(labels=self.labels, predictions=self.predictions)

    def selects(self, collections: Collections) -> Callable[[str], bool]:
        """Labels and predictions."""
        labels, predictions = self._chosen(collections)
        return lambda name: labels(name) or predictions(name)

    def observe(self, step: SavedStep) -> Finding | None:
        """Count the step's pairs; the pass is judged at the end."""
        try:
            pairs = pairs_at(step, *self._chosen(step.collections), argmax=None)
        except NoClasses as reason:
            self._missing = str(reason)
            return None
        if pairs is None or len(pairs.labels) == 0:
            return None
        counts = pairs.counts()
        before = self._passes.get(step.mode)
        if before is not None and before.step - before.mode_step == step.step - step.mode_step:
            counts += before.counts
        self._passes[step.mode] = _Pass(step.step, step.mode, step.mode_step, pairs.tensor, counts)
        return None

    def ended(self) -> Finding | None:
        """Judge the newest pass: the ratio furthest beyond its bound is named, the diagonal's before others."""
        judged = self._newest()
        if judged is None:
            return None
        beyond = [
            (round(self._beyond(ratio), 9), ratio)
            for ratio in ratios(judged.counts, self.category_no)
            if self._beyond(ratio) > 0
        ]
        if not beyond:
            return None
        _, worst = max(beyond, key=lambda found: (found[0], found[1].label == found[1].predicted))
        return self._finding(judged, worst, len(beyond))

    def unjudged(self) -> str | None:
        """No labels with predictions were saved."""
        if self._newest() is not None:
            return None
        reason = f" ({self._missing})" if self._missing else ""
        saving = save("classes", include_regex="CrossEntropyLoss_input", eval_save_interval=1)
        return (
            f"No labels {self.labels!r} with predictions {self.predictions!r} were saved{reason}. {HOW}: {saving}, and "
            "set labels to CrossEntropyLoss_input_1 and predictions to CrossEntropyLoss_input_0."
        )

    def _newest(self) -> _Pass | None:
        return next((self._passes[mode] for mode in _ORDER if mode in self._passes), None)

    def _chosen(self, collections: Collections) -> tuple[Callable[[str], bool], Callable[[str], bool]]:
        return (
            _in(collections, self.labels_collection, self.labels),
            _in(collections, self.predictions_collection, self.predictions),
        )

    def _beyond(self, ratio: Ratio) -> float:
        """How far the ratio is beyond its bound: above 0 where it is."""
        if ratio.label == ratio.predicted:
            return self.min_diag - ratio.value
        return ratio.value - self.max_off_diag

    def _finding(self, judged: _Pass, worst: Ratio, beyond: int) -> Finding:
        diagonal = worst.label == worst.predicted
        bound = self.min_diag if diagonal else self.max_off_diag
        are = "belong to it" if diagonal else f"are of class {worst.label}"
        others = f"; {beyond} ratios are beyond their thresholds" if beyond > 1 else ""
        return Finding(
            step=judged.step,
            mode=judged.mode,
            mode_step=judged.mode_step,
            tensor=judged.tensor,
            value=worst.value,
            threshold=bound,
            what=f"Of {worst.of} samples that {judged.tensor} took for class {worst.predicted} a share of "
            f"{worst.value:.4g} {are}, in the pass up to step {judged.step}; the threshold is {bound:g} at "
            f"{'least' if diagonal else 'most'}{others}.",
            why=_WHY,
            advice=_ADVICE,
        )


def ratios(counts: Mapping[tuple[int, int], int], category_no: int | None) -> Iterator[Ratio]:
    """The ratios of all cells but empty ones off the diagonal, which are 0."""
    cells = {pair: n for pair, n in counts.items() if category_no is None or max(pair) < category_no}
    columns: Counter[int] = Counter()
    for (_, predicted), times in cells.items():
        columns[predicted] += times
    diagonal = {(predicted, predicted): 0 for predicted in columns}
    for (label, predicted), times in (diagonal | cells).items():
        yield Ratio(label, predicted, times / columns[predicted], columns[predicted])


def _in(collections: Collections, collection: str, regex: str) -> Callable[[str], bool]:
    return lambda name: (
        not name.startswith("gradient/") and (re.search(regex, name) is not None or collections.holds(collection, name))
    )
