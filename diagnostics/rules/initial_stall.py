"""Whether the first steps of training lead anywhere: gradients, activations and losses over the saved steps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from diagnostics.rules.initial_layers import GRADIENT, InitialLayers
from diagnostics.rules.initial_signals import difference_between_inputs, gradient_range
from diagnostics.rules.saved_figures import deviation, whole
from diagnostics.tensors.saved_step import SavedStep

FLAT = 0.01  # part of the loss that it has to fall by
SAME_FOR_ALL = 1e-4  # part of an activation's mean square that has to differ between images
NORMAL_RANGE = 3.29  # p95 - p5 of a normal distribution, in standard deviations


@dataclass
class InitialStall:
    """What the first saved steps have shown so far.

    `narrow` are the middle widths of gradients at the newest saved steps in a row at which they were narrow; `same`
    counts by activation at how many steps in a row it was the same for all images.
    """

    losses: list[float] = field(default_factory=list)
    narrow: list[float] = field(default_factory=list)
    same: dict[str, int] = field(default_factory=dict)

    def take(
        self, step: SavedStep, widths: Mapping[str, float], activations: Sequence[str], distribution_range: float
    ) -> None:
        """Take a step's gradients, by their widths, and its activations."""
        if widths:
            middle = sorted(widths.values())[len(widths) // 2]
            self.narrow = [*self.narrow, middle] if middle < distribution_range else []
        for name in activations:
            activation = whole(step, name)
            difference = None if activation is None else difference_between_inputs(activation)
            if difference is not None:
                self.same[name] = self.same.get(name, 0) + 1 if difference < SAME_FOR_ALL else 0

    def flat_loss(self, patience: int) -> tuple[float, float] | None:
        """The means of the first and of the latter half of the losses where it has not fallen; None otherwise."""
        half = len(self.losses) // 2
        if len(self.losses) < max(patience, 2):
            return None
        first, latter = sum(self.losses[:half]) / half, sum(self.losses[-half:]) / half
        return (first, latter) if latter > first - FLAT * abs(first) else None

    def stays_narrow(self) -> bool:
        """Gradients alone tell, where no loss is saved: they widen where the layers above only had to start."""
        return not self.losses and self.narrow[-1] <= 2 * self.narrow[0]


def widths(step: SavedStep, layers: InitialLayers) -> dict[str, float]:
    """By gradient of a layer: its p95 - p5 over the RMS of the layer's weights when first saved.

    Layers that started as zeros have none. Where no weights are saved, over the widest of the gradients, of which
    there have to be three.
    """
    ranges = {
        name: width
        for name in step.names("gradients")
        if name.removeprefix(GRADIENT) not in layers.others and (width := _range(step, name)) is not None
    }
    if layers.layers or layers.reduced:
        scales = layers.scales()
        return {
            name: width / scales[name.removeprefix(GRADIENT)]
            for name, width in ranges.items()
            if name.removeprefix(GRADIENT) in scales
        }
    widest = max(ranges.values(), default=0.0)
    return {name: width / widest if widest else 0.0 for name, width in ranges.items()} if len(ranges) > 2 else {}


def _range(step: SavedStep, name: str) -> float | None:
    """p95 - p5; of a gradient saved as reductions what it would be if it were normally distributed."""
    gradient = whole(step, name)
    if gradient is None:
        spread = deviation(step, name)
        return None if spread is None else NORMAL_RANGE * spread
    return gradient_range(gradient) if gradient.ndim > 1 else None
