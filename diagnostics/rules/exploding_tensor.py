"""ExplodingTensor: values that are not finite."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from diagnostics.rules.finding import Finding
from diagnostics.rules.parameters import regexes
from diagnostics.rules.rule import Rule
from diagnostics.rules.saving import save
from diagnostics.rules.selection import described, selection
from diagnostics.tensors.collections import Collections
from diagnostics.tensors.saved_step import SavedStep, Tensor, TensorMissing

_WHY = "NaN and infinity spread: from the next update on every weight they touch is lost, and with it the model."
_ADVICE = (
    "Lower --lr, by a factor of ten to begin with: steps that are too large are the usual cause.",
    "Clip the gradients in the training script, or warm the learning rate up.",
    "Look for NaN, infinity or a zero standard deviation in the input, and for log(0) or a division by 0 in the loss.",
    "Raise --batch-size where a batch normalisation sees very few images.",
)
# These tell NaN and infinity exactly; of the others a sum of finite values may overflow, and `prod` nearly always does.
_EXACT = frozenset({"min", "max", "abs_min", "abs_max"})
_USELESS = frozenset({"prod", "abs_prod"})


@dataclass
class ExplodingTensor(Rule):
    """Fires where a tensor holds NaN, or infinity unless `only_nan`.

    Looks at collection_names and tensor_regex, by default at all that is saved; at whole tensors, or at their saved
    reductions, of which min and max, where they are saved, decide what is NaN and what merely came of infinities.
    """

    collection_names: Sequence[str] | None = None
    tensor_regex: Sequence[str] | None = None
    only_nan: bool = False
    _judged: bool = field(default=False, init=False, repr=False)
    _missing: str = field(default="", init=False, repr=False)

    def __post_init__(self) -> None:
        regexes(tensor_regex=self.tensor_regex)

    def selects(self, collections: Collections) -> Callable[[str], bool]:
        """Those of the parameters, or all."""
        return selection(collections, self.collection_names, self.tensor_regex, lambda _: True)

    def observe(self, step: SavedStep) -> Finding | None:
        """Judge the step's tensors; the first one, by name, is named, and how many more there are."""
        found: dict[str, tuple[float, str]] = {}
        for name in step.matching(self.selects(step.collections)):
            try:
                exploded = self._exploded(step, name)
            except TensorMissing as missing:
                self._missing = str(missing)
                continue
            if exploded is not None:
                found[name] = exploded
        if not found:
            return None
        name, (value, how) = next(iter(found.items()))
        others = "" if len(found) == 1 else f", and {len(found) - 1} more tensors like it"
        return Finding(
            step=step.step,
            mode=step.mode,
            mode_step=step.mode_step,
            tensor=name,
            value=value,
            threshold=None,
            what=f"{name} {how} at step {step.step}{others}.",
            why=_WHY,
            advice=_ADVICE,
        )

    def unjudged(self) -> str | None:
        """Nothing of what it looks at was saved."""
        if self._judged:
            return None
        wanted = described(self.collection_names, self.tensor_regex, "any tensor")
        reason = f" ({self._missing})" if self._missing else ""
        collection = next(iter(self.collection_names or ()), "losses")
        return f"Nothing of {wanted} was saved{reason}. {save(collection, save_interval=10)}."

    def _exploded(self, step: SavedStep, name: str) -> tuple[float, str] | None:
        """What is not finite in the tensor, and in words. Raises TensorMissing."""
        if name in step.tensors:
            tensor = step.tensor(name)
            self._judged |= tensor.size > 0
            return exploded_values(tensor, only_nan=self.only_nan)
        saved = step.reductions[name] - _USELESS
        figures = {reduction: step.reduced(name, reduction) for reduction in sorted(saved)}
        self._judged |= bool(figures)
        if self.only_nan and saved & _EXACT:
            figures = {reduction: figure for reduction, figure in figures.items() if reduction in _EXACT}
        for reduction, figure in figures.items():
            if math.isnan(figure) or (math.isinf(figure) and not self.only_nan):
                return figure, f"has the reduction {reduction} = {figure}"
        return None


def exploded_values(tensor: Tensor, *, only_nan: bool) -> tuple[float, str] | None:
    """What the tensor holds, nan or infinity, and how many in words; None where all is well."""
    if tensor.dtype.kind not in "fc" or tensor.size == 0 or bool(np.isfinite(tensor).all()):
        return None
    nans = int(np.isnan(tensor).sum())
    infinities = tensor.size - nans - int(np.isfinite(tensor).sum())
    if nans == 0 and only_nan:
        return None
    parts = [f"{number} {word}" for number, word in ((nans, "NaN"), (infinities, "Inf")) if number]
    return math.nan if nans else math.inf, f"holds {' and '.join(parts)} among {tensor.size} values"
