"""AllZero: tensors of nothing, or hardly anything, but zeros."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from diagnostics.rules.finding import Finding
from diagnostics.rules.parameters import ParameterOutOfRange, at_least, regexes
from diagnostics.rules.rule import Rule
from diagnostics.rules.saving import save
from diagnostics.rules.selection import described, selection
from diagnostics.tensors.collections import Collections
from diagnostics.tensors.saved_step import SavedStep, Tensor, TensorMissing

_WHY = "Zeros carry nothing forwards and pass no gradient back: what they feed, and what feeds them, does not learn."
_ADVICE = (
    "Start from trained weights (--weights imagenet), or initialise layers of your own at random, not with zeros.",
    "For outputs of ReLUs: lower --lr, they may have died; for inputs: look at what the data loader yields.",
    "For gradients: detached tensors and layers that the loss does not depend on have zeros; lower --weight-decay for "
    "weights that shrank to zero.",
    "Choose the tensors by collection_names or tensor_regex where zeros are right.",
)
# Figures that are 0 only of a tensor of nothing but zeros.
_TELLING = ("abs_max", "abs_mean", "abs_sum", "l1", "abs_l1", "l2", "abs_l2")


@dataclass
class AllZero(Rule):
    """Fires where at least `threshold` % of a tensor's values are zero.

    Looks at collection_names and tensor_regex; by default at all that is saved but the biases, which many layers
    start at zero. At a threshold of 100 % saved reductions tell as well: abs_max, abs_mean, l1, l2, or min and max.
    """

    collection_names: Sequence[str] | None = None
    tensor_regex: Sequence[str] | None = None
    threshold: float = 100.0
    _judged: bool = field(default=False, init=False, repr=False)
    _missing: str = field(default="", init=False, repr=False)

    def __post_init__(self) -> None:
        at_least(0, threshold=self.threshold)
        if not 0 < self.threshold <= 100:
            raise ParameterOutOfRange("threshold", self.threshold, "a percentage above 0, up to 100")
        regexes(tensor_regex=self.tensor_regex)

    def selects(self, collections: Collections) -> Callable[[str], bool]:
        """Those of the parameters, or all but the biases."""
        return selection(
            collections, self.collection_names, self.tensor_regex, lambda name: not collections.holds("biases", name)
        )

    def observe(self, step: SavedStep) -> Finding | None:
        """Judge the step's tensors; the first one, by name, is named, and how many more there are."""
        found: dict[str, float] = {}
        for name in step.matching(self.selects(step.collections)):
            try:
                share = self._zeros(step, name)
            except TensorMissing as missing:
                self._missing = str(missing)
                continue
            if share is not None:
                self._judged = True
                if share >= self.threshold:
                    found[name] = share
        if not found:
            return None
        name, share = next(iter(found.items()))
        others = "" if len(found) == 1 else f", and {len(found) - 1} more tensors like it"
        return Finding(
            step=step.step,
            mode=step.mode,
            mode_step=step.mode_step,
            tensor=name,
            value=share,
            threshold=self.threshold,
            what=f"{share:.4g} % of the values of {name} are zero at step {step.step}; the threshold is "
            f"{self.threshold:.4g} %{others}.",
            why=_WHY,
            advice=_ADVICE,
        )

    def unjudged(self) -> str | None:
        """Nothing of what it looks at was saved, or not whole."""
        if self._judged:
            return None
        wanted = described(self.collection_names, self.tensor_regex, "any tensor")
        reason = f" ({self._missing})" if self._missing else ""
        collection = next(iter(self.collection_names or ()), "weights")
        if self.threshold < 100:
            return f"Nothing of {wanted} was saved whole{reason}. {save(collection, save_interval=100)}."
        return f"Nothing of {wanted} was saved{reason}. {save(collection, save_interval=10, reductions='abs_max')}."

    def _zeros(self, step: SavedStep, name: str) -> float | None:
        """The percentage of zeros; None of an empty tensor. Raises TensorMissing."""
        if name in step.tensors:
            return zero_percentage(step.tensor(name))
        saved = step.reductions[name]
        telling = next((reduction for reduction in _TELLING if reduction in saved), None)
        if self.threshold < 100 or (telling is None and not {"min", "max"} <= saved):
            raise TensorMissing(f"of {name} only {', '.join(sorted(saved))} were saved at step {step.step}")
        figures = [telling] if telling is not None else ["min", "max"]
        return 100.0 if all(step.reduced(name, figure) == 0 for figure in figures) else 0.0


def zero_percentage(tensor: Tensor) -> float | None:
    """How many in a hundred values are zero; None of an empty tensor."""
    if tensor.size == 0:
        return None
    return 100 * (tensor.size - int(np.count_nonzero(tensor))) / tensor.size
