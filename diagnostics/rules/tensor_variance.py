"""TensorVariance: tensors whose values differ too much, or too little."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from diagnostics.rules.finding import Finding
from diagnostics.rules.parameters import ParameterOutOfRange, at_least, regexes
from diagnostics.rules.rule import Rule
from diagnostics.rules.saving import save
from diagnostics.rules.selection import described, selection
from diagnostics.tensors.collections import Collections
from diagnostics.tensors.saved_step import SavedStep, TensorMissing

_HIGH = (
    "Values that far apart saturate the layers after them, and grow towards infinity.",
    (
        "Lower --lr, and raise --weight-decay.",
        "Normalise the input, and put a normalisation before the layer.",
        "Initialise weights with a smaller spread: --weights imagenet, or He's or Glorot's for layers of your own.",
    ),
)
_LOW = (
    "Values that hardly differ say the same of every image: neither they nor their gradients tell classes apart.",
    (
        "Initialise weights with a larger spread: --weights imagenet, or He's or Glorot's for layers of your own.",
        "Lower --weight-decay where weights have shrunk.",
        "Look at the input: an image of one colour, or pixels divided by 255 twice, look like this.",
    ),
)


@dataclass
class TensorVariance(Rule):
    """Fires where a tensor's variance is above `max_threshold` or below `min_threshold`; at least one has to be given.

    Looks at collection_names and tensor_regex, by default at all that is saved; at whole tensors of two values or
    more, or at the saved reduction variance, or std.
    """

    collection_names: Sequence[str] | None = None
    tensor_regex: Sequence[str] | None = None
    max_threshold: float | None = None
    min_threshold: float | None = None
    _judged: bool = field(default=False, init=False, repr=False)
    _missing: str = field(default="", init=False, repr=False)

    def __post_init__(self) -> None:
        at_least(0, max_threshold=self.max_threshold, min_threshold=self.min_threshold)
        if None not in (self.max_threshold, self.min_threshold) and self._above(self.min_threshold):
            raise ParameterOutOfRange("min_threshold", self.min_threshold, f"up to max_threshold {self.max_threshold}")
        regexes(tensor_regex=self.tensor_regex)

    def selects(self, collections: Collections) -> Callable[[str], bool]:
        """Those of the parameters, or all."""
        return selection(collections, self.collection_names, self.tensor_regex, lambda _: True)

    def observe(self, step: SavedStep) -> Finding | None:
        """Judge the step's tensors; the first one, by name, is named."""
        if self.max_threshold is None and self.min_threshold is None:
            return None
        for name in step.matching(self.selects(step.collections)):
            try:
                variance = _variance(step, name)
            except TensorMissing as missing:
                self._missing = str(missing)
                continue
            if math.isnan(variance):
                continue
            self._judged = True
            if self._above(variance) or self._below(variance):
                return self._finding(step, name, variance)
        return None

    def unjudged(self) -> str | None:
        """No threshold was given, or nothing of what it looks at was saved."""
        if self._judged:
            return None
        if self.max_threshold is None and self.min_threshold is None:
            return "TensorVariance has no threshold: give the rule parameter max_threshold, min_threshold, or both."
        wanted = described(self.collection_names, self.tensor_regex, "any tensor")
        reason = f" ({self._missing})" if self._missing else ""
        collection = next(iter(self.collection_names or ()), "weights")
        return (
            f"Nothing of {wanted} was saved from which a variance can be told{reason}. "
            f"{save(collection, save_interval=10, reductions='variance')}."
        )

    def _above(self, variance: float | None) -> bool:
        return variance is not None and self.max_threshold is not None and variance > self.max_threshold

    def _below(self, variance: float) -> bool:
        return self.min_threshold is not None and variance < self.min_threshold

    def _finding(self, step: SavedStep, name: str, variance: float) -> Finding:
        above = self._above(variance)
        threshold = self.max_threshold if above else self.min_threshold
        why, advice = _HIGH if above else _LOW
        return Finding(
            step=step.step,
            mode=step.mode,
            mode_step=step.mode_step,
            tensor=name,
            value=variance,
            threshold=threshold,
            what=f"The variance of {name} is {variance:.4g} at step {step.step}, "
            f"{'above' if above else 'below'} the threshold {threshold:.4g}.",
            why=why,
            advice=advice,
        )


def _variance(step: SavedStep, name: str) -> float:
    """The variance; nan of fewer than two values, and of such as have none. Raises TensorMissing."""
    if "variance" in step.reductions.get(name, ()):
        return step.reduced(name, "variance")
    if "std" in step.reductions.get(name, ()):
        return step.reduced(name, "std") ** 2
    if name in step.tensors:
        tensor = step.tensor(name)
        if tensor.size < 2:
            return math.nan
        return step.reduced(name, "variance")
    raise TensorMissing(f"neither {name} nor its variance was saved at step {step.step}")
