"""VanishingGradient: gradients so small that what is below them learns nothing."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

from diagnostics.rules.finding import Finding
from diagnostics.rules.parameters import at_least
from diagnostics.rules.rule import Rule
from diagnostics.rules.saving import save
from diagnostics.tensors.collections import Collections
from diagnostics.tensors.saved_step import SavedStep, TensorMissing

_WHY = (
    "The weights move by the learning rate times the gradient: with gradients this small the layer, and what lies "
    "below it, stays as it was initialised."
)
_ADVICE = (
    "If the loss is close to zero already, training is over: stop it earlier with --patience or fewer --epochs.",
    "Start from trained weights (--weights imagenet), or initialise layers of your own at random: "
    "a layer of zeros passes no gradient on.",
    "Replace sigmoid and tanh layers by ReLU, or put a normalisation before them: saturated they have no gradient.",
    "Raise --lr only when these are ruled out: it scales the step, not the gradient.",
)
_SUMS = frozenset({"l1", "abs_l1", "abs_sum"})  # of absolute values


@dataclass
class VanishingGradient(Rule):
    """Fires where the mean of the absolute values of a gradient is below `threshold`.

    A frozen layer has no gradient and is not judged; a gradient of nothing but zeros has one, and fires. Judged from
    gradients saved whole, from their reduction abs_mean, or from l1 where the gradient's size is known because it was
    saved whole at another step.
    """

    threshold: float = 1e-7
    _sizes: dict[str, int] = field(default_factory=dict, init=False, repr=False)
    _judged: bool = field(default=False, init=False, repr=False)
    _missing: str = field(default="", init=False, repr=False)

    def __post_init__(self) -> None:
        at_least(0, threshold=self.threshold)

    def selects(self, collections: Collections) -> Callable[[str], bool]:
        """The collection gradients."""
        return lambda name: collections.holds("gradients", name)

    def observe(self, step: SavedStep) -> Finding | None:
        """Judge the step's gradients; of several that vanish the smallest is named."""
        means = {name: mean for name in step.names("gradients") if (mean := self._abs_mean(step, name)) is not None}
        self._judged |= bool(means)
        vanished = {name: mean for name, mean in means.items() if mean < self.threshold}
        if not vanished:
            return None
        name = min(vanished, key=lambda name: vanished[name])
        others = "" if len(vanished) == 1 else f" ({len(vanished)} of {len(means)} gradients are below it)"
        return Finding(
            step=step.step,
            mode=step.mode,
            mode_step=step.mode_step,
            tensor=name,
            value=vanished[name],
            threshold=self.threshold,
            what=f"The mean absolute value of {name} is {vanished[name]:.3g} at step {step.step}, "
            f"below the threshold {self.threshold:.3g}{others}.",
            why=_WHY,
            advice=_ADVICE,
        )

    def unjudged(self) -> str | None:
        """No gradient was saved, or reductions from which its size cannot be told."""
        if self._judged:
            return None
        found = f"Gradients cannot be judged: {self._missing}." if self._missing else "No gradient was saved."
        return f"{found} {save('gradients', train_save_interval=10, reductions='abs_mean')}."

    def _abs_mean(self, step: SavedStep, name: str) -> float | None:
        """None where it cannot be told."""
        saved = step.reductions.get(name, frozenset())
        try:
            if "abs_mean" not in saved and name not in step.tensors and self._sizes.get(name):
                for reduction in sorted(saved & _SUMS):
                    return step.reduced(name, reduction) / self._sizes[name]
            mean = step.reduced(name, "abs_mean")
            if "abs_mean" not in saved:
                self._sizes[name] = step.tensor(name).size
        except TensorMissing as missing:
            self._missing = str(missing)
            return None
        return None if math.isnan(mean) else mean
