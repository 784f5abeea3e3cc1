"""The layers of a network as training found them: drawn, pretrained, frozen."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from diagnostics.rules.initial_weight import InitialWeight, initial_weight
from diagnostics.rules.saved_figures import deviation, figure, whole
from diagnostics.rules.saving import count
from diagnostics.tensors.saved_step import SavedStep

GRADIENT = "gradient/"


@dataclass
class InitialLayers:
    """Learnt step by step. A layer is a weight with two dimensions or more, as it was when first saved whole.

    `others` are weights that are no layers (normalisations), `reduced` is the RMS of weights saved as reductions, and
    `trained` are the parameters that had a gradient. Where nothing has a gradient saved, all count as trained.
    """

    layers: dict[str, InitialWeight] = field(default_factory=dict)
    others: set[str] = field(default_factory=set)
    reduced: dict[str, float] = field(default_factory=dict)
    trained: set[str] = field(default_factory=set)

    def learn(self, step: SavedStep) -> Sequence[str]:
        """Take a saved step; the layers that are new."""
        self.trained.update(name.removeprefix(GRADIENT) for name in step.names("gradients"))
        return [name for name in step.names("weights") if self._is_new(step, name)]

    def is_trained(self, name: str) -> bool:
        """Whether it has a gradient; frozen layers have none."""
        return name in self.trained or not self.trained

    def fresh(self) -> list[str]:
        """The trained layers that do not look pretrained."""
        return sorted(name for name, layer in self.layers.items() if self.is_trained(name) and not layer.pretrained)

    def any_pretrained(self) -> bool:
        """Whether this is transfer learning."""
        return any(layer.pretrained for layer in self.layers.values())

    def scales(self) -> dict[str, float]:
        """The RMS of the weights when first saved; zeros are left out."""
        known = self.reduced | {name: layer.rms for name, layer in self.layers.items()}
        return {name: rms for name, rms in known.items() if rms > 0}

    def summary(self) -> str:
        """How many layers look pretrained, how many are frozen, and which were judged."""
        if not self.layers:
            return "No whole weights were saved, by which pretrained layers are recognised."
        pretrained = [name for name, layer in self.layers.items() if layer.pretrained]
        frozen = [name for name in self.layers if not self.is_trained(name)]
        fresh = self.fresh()
        named = ", ".join(fresh) if 0 < len(fresh) <= 3 else count(len(fresh), "freshly drawn layer")
        if not pretrained:
            frozen_too = f", {count(len(frozen), 'layer')} frozen" if frozen else ""
            return f"No layer looks pretrained{frozen_too}: the weights of {named} were judged."
        looks = f"{count(len(pretrained), 'layer')} {'looks' if len(pretrained) == 1 else 'look'} pretrained"
        both = len(set(pretrained) & set(frozen))
        return f"{looks}, {both} of them frozen: only the weights of {named} were judged."

    def _is_new(self, step: SavedStep, name: str) -> bool:
        if name in self.layers or name in self.others:
            return False
        weight = whole(step, name)
        if weight is None:
            spread = deviation(step, name)
            if spread is not None:
                self.reduced.setdefault(name, math.hypot(spread, figure(step, name, "mean") or 0.0))
            return False
        layer = initial_weight(weight)
        if layer is None:
            self.others.add(name)
            return False
        self.layers[name] = layer
        return True
