"""WeightUpdateRatio: updates too large or too small for the weights they change."""

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from diagnostics.rules.finding import Finding
from diagnostics.rules.initial_signals import evenly
from diagnostics.rules.parameters import ParameterOutOfRange, at_least
from diagnostics.rules.rule import Rule
from diagnostics.rules.saving import count, save
from diagnostics.tensors.collections import Collections
from diagnostics.tensors.saved_step import Mode, SavedStep, Tensor, TensorMissing

MOST_VALUES = 1 << 16  # kept of a weight, evenly spread: the ratio of a larger one varies by about 0.5 %
GRADIENT = "gradient/"
_LARGE_WHY = "An update many times the weight throws away what the layer had learnt, and the loss with it."
_SMALL_WHY = "Updates that are next to nothing beside the weights change nothing: the layer does not learn."
_LARGE = (
    "Lower --lr, by a factor of ten to begin with, or let it fall (--scheduler cosine).",
    "Warm the learning rate up, or clip the gradients, in the training script.",
    "With --optimizer sgd lower --momentum as well.",
)
_SMALL = (
    "Raise --lr, and look whether the schedule (--scheduler, --gamma, --step-size) has brought it to zero.",
    "Hand the layer's parameters to the optimiser, and see whether VanishingGradient fires.",
    "If the layer is frozen on purpose (--freeze-backbone), save the collection gradients as well: weights without a "
    "gradient, where others have one, are known as frozen and not judged.",
)
# Figures of which a difference bounds the update from below, by the triangle inequality.
_NORMS = ("abs_mean", "l1", "l2")


@dataclass
class _Saved:
    """A weight at a step: an even sample of its values, or one figure of a norm."""

    step: int
    values: Tensor
    norm: str = ""


@dataclass
class WeightUpdateRatio(Rule):
    """Fires where mean(abs(w - w0)) / (mean(abs(w0)) + epsilon) of a weight is above `large_threshold` or below
    `small_threshold`; w0 is the weight at the saved step before or, with `num_steps`, at the earliest saved step that
    is at most so many steps back.

    The means are over the tensor, as single values near zero would exceed any ratio; of weights above 65,536 values
    over an even sample. A w0 of zeros has no ratio that could be too large. Steps of training are judged (TRAIN and
    GLOBAL). Frozen weights are not too small: those that never had a gradient saved once another has; and, where no
    gradients are saved, those that have not changed at all while others have.

    Of weights saved as reductions, differences of abs_mean, l1 or l2 say by how much a weight has changed at least:
    they fire where even that is too large, and cannot say that it is too small.
    """

    num_steps: int | None = None
    large_threshold: float = 10.0
    small_threshold: float = 1e-8
    epsilon: float = 1e-9
    _earlier: dict[str, deque[_Saved]] = field(default_factory=dict, init=False, repr=False)
    _gradients: set[str] = field(default_factory=set, init=False, repr=False)
    _judged: bool = field(default=False, init=False, repr=False)
    _missing: str = field(default="", init=False, repr=False)

    def __post_init__(self) -> None:
        at_least(1, num_steps=self.num_steps)
        at_least(0, small_threshold=self.small_threshold, epsilon=self.epsilon)
        if not self.large_threshold > self.small_threshold:
            raise ParameterOutOfRange(
                "large_threshold", self.large_threshold, f"more than small_threshold ({self.small_threshold:g})"
            )

    def selects(self, collections: Collections) -> Callable[[str], bool]:
        """Weights, and the names of gradients, which tell what is frozen."""
        return lambda name: collections.holds("weights", name)

    def observe(self, step: SavedStep) -> Finding | None:
        """Compare the step's weights with earlier ones; a ratio that is too large goes before one that is too small."""
        if step.mode not in (Mode.TRAIN, Mode.GLOBAL):
            return None
        self._gradients.update(name.removeprefix(GRADIENT) for name in step.names("gradients"))
        found = {name: ratio for name in step.names("weights") if (ratio := self._ratio(step, name)) is not None}
        large = {name: ratio for name, (ratio, _, _) in found.items() if ratio > self.large_threshold}
        if large:
            name = max(large, key=lambda name: large[name])
            return self._finding(step, name, found[name], large=True, others=len(large) - 1)
        moved = any(ratio > 0 for ratio, _, _ in found.values())
        small = {
            name: ratio
            for name, (ratio, _, norm) in found.items()
            if ratio < self.small_threshold and not norm and not self._frozen(name, ratio, others_moved=moved)
        }
        if not small:
            return None
        name = min(small, key=lambda name: small[name])
        return self._finding(step, name, found[name], large=False, others=len(small) - 1)

    def unjudged(self) -> str | None:
        """No weight was saved at two steps, near enough to each other."""
        if self._judged:
            return None
        advice = save("weights", train_save_interval=min(10, self.num_steps or 10))
        if self._earlier:
            within = "" if self.num_steps is None else f" within {count(self.num_steps, 'step')}"
            return f"No weight could be compared with an earlier one{within}. Save the weights more often: {advice}."
        reason = f" ({self._missing})" if self._missing else ""
        return f"No weights were saved, whole or as l1, l2 or abs_mean{reason}. {advice}."

    def _frozen(self, name: str, ratio: float, *, others_moved: bool) -> bool:
        if self._gradients:
            return name not in self._gradients
        return ratio == 0 and others_moved

    def _ratio(self, step: SavedStep, name: str) -> tuple[float, int, str] | None:
        """The ratio, the step that it is compared with, and the norm where it is a lower bound by a norm."""
        try:
            now = self._saved(step, name)
        except TensorMissing as missing:
            self._missing = str(missing)
            return None
        if now is None:
            return None
        earlier = self._earlier.setdefault(name, deque())
        while earlier and self.num_steps is not None and earlier[0].step < step.step - self.num_steps:
            earlier.popleft()
        then = earlier[0] if earlier else None
        if self.num_steps is None:
            earlier.clear()
        earlier.append(now)
        if then is None or then.norm != now.norm or then.values.shape != now.values.shape:
            return None
        ratio = update_ratio(then.values, now.values, self.epsilon)
        if ratio is None:
            return None
        self._judged = True
        return ratio, then.step, now.norm

    def _saved(self, step: SavedStep, name: str) -> _Saved | None:
        """None of what is empty or no fraction. Raises TensorMissing."""
        if name in step.tensors:
            tensor = step.tensor(name)
            if tensor.size == 0 or tensor.dtype.kind != "f":
                return None
            return _Saved(step.step, np.array(evenly(tensor, MOST_VALUES) if tensor.ndim else tensor.reshape(1)))
        norm = next((norm for norm in _NORMS if norm in step.reductions.get(name, ())), None)
        if norm is None:
            saved = ", ".join(sorted(step.reductions.get(name, ()))) or "nothing"
            raise TensorMissing(f"of {name} only {saved} was saved at step {step.step}")
        return _Saved(step.step, np.array([step.reduced(name, norm)]), norm)

    def _finding(
        self, step: SavedStep, name: str, found: tuple[float, int, str], *, large: bool, others: int
    ) -> Finding:
        ratio, since, norm = found
        bound = self.large_threshold if large else self.small_threshold
        of = f"at least {ratio:.3g} (by its {norm})" if norm else f"{ratio:.3g}"
        more = f", and {count(others, 'more weight')} like it" if others else ""
        return Finding(
            step=step.step,
            mode=step.mode,
            mode_step=step.mode_step,
            tensor=name,
            value=ratio,
            threshold=bound,
            what=f"{name} changed by {of} of its size from step {since} to step {step.step}, "
            f"{'above' if large else 'below'} the threshold {bound:.3g}{more}.",
            why=_LARGE_WHY if large else _SMALL_WHY,
            advice=_LARGE if large else _SMALL,
        )


def update_ratio(then: Tensor, now: Tensor, epsilon: float) -> float | None:
    """mean(abs(now - then)) / (mean(abs(then)) + epsilon); None where `then` is zeros, or a figure is not finite."""
    with np.errstate(over="ignore", invalid="ignore"):
        size = float(np.mean(np.abs(then), dtype=np.float64))
        change = float(np.mean(np.abs(now.astype(np.float64) - then)))
    if size == 0 and change > 0:
        return None
    ratio = change / (size + epsilon) if size + epsilon > 0 else 0.0
    return ratio if math.isfinite(ratio) else None
