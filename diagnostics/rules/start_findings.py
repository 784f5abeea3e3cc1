"""What PoorWeightInitialization says of a bad start."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from diagnostics.rules.finding import Finding
from diagnostics.rules.initial_weight import InitialWeight
from diagnostics.rules.saving import count
from diagnostics.tensors.saved_step import SavedStep

_INITIALISE = (
    "Draw the layer's weights anew: torch.nn.init.kaiming_normal_ before a ReLU, xavier_uniform_ before tanh, sigmoid "
    "or a softmax, or leave PyTorch's default."
)
_PRETRAINED = "Start from trained weights (--weights imagenet), and train the head first (--freeze-backbone true)."
_NORMALISE = "Put a batch normalisation after the layer: it makes the scale of the weights matter less."


@dataclass(frozen=True)
class StartFindings:
    """Findings at `step`; `summary` says what was recognised of the network."""

    step: SavedStep
    summary: Callable[[], str]

    def same_units(self, names: Sequence[str], rms: float) -> Finding:
        """Layers with the same weights for all their units."""
        others = f", and so do {count(len(names) - 1, 'more layer')}" if len(names) > 1 else ""
        return self._finding(
            names[0],
            0.0,
            0.0,
            what=f"All units of {names[0]} have the same weights (RMS {rms:.3g}) at step {self.step.step}{others}.",
            why="Units with the same weights get the same gradient: the layer learns one feature, however wide it is.",
            advice=(_INITIALISE, _PRETRAINED),
        )

    def stuck_zeros(self, names: Sequence[str]) -> Finding:
        """Layers of zeros that no gradient reaches."""
        others = f", and so do {count(len(names) - 1, 'more layer')}" if len(names) > 1 else ""
        return self._finding(
            names[0],
            0.0,
            0.0,
            what=f"{names[0]} consists of zeros and has a gradient of zeros at two saved steps in a row, up to step "
            f"{self.step.step}{others}.",
            why="A layer of zeros lets nothing through, forwards or backwards; only a last layer, which the loss's "
            "gradient reaches directly, can start there.",
            advice=(
                _INITIALISE,
                "Set only the last layer to zeros, or the last one of a residual branch.",
                _PRETRAINED,
            ),
        )

    def scale(self, name: str, layer: InitialWeight, spread: float, threshold: float, off: int) -> Finding:
        """The layer whose weights are furthest from what its shape asks for."""
        times = layer.departure
        size = f"{times:.3g} times the most" if times > 1 else f"{1 / max(times, 1e-300):.3g} times less than the least"
        why = (
            "Activations and gradients grow by such a factor from layer to layer: units saturate, and the loss "
            "explodes or starts far too high."
            if times > 1
            else "Signals and gradients shrink by such a factor from layer to layer, until nothing below learns."
        )
        among = f" ({count(off, 'layer')} like it)" if off > 1 else ""
        return self._finding(
            name,
            spread,
            threshold,
            what=f"The mean square of {name}, {layer.rms**2:.3g}, is {size} that an initialiser gives a layer of its "
            f"shape, at step {self.step.step}{among}; highest over lowest is {spread:.3g}, the threshold is "
            f"{threshold:.3g}.",
            why=why,
            advice=(_INITIALISE, _PRETRAINED, _NORMALISE),
        )

    def activations(self, low: tuple[str, float], high: tuple[str, float], ratio: float, bound: float) -> Finding:
        """The layers with the lowest and the highest variance of activations."""
        return self._finding(
            low[0],
            ratio,
            bound,
            what=f"The variance of activations is {low[1]:.3g} in {low[0]} and {high[1]:.3g} in {high[0]} at step "
            f"{self.step.step}: a ratio of {ratio:.3g}, the threshold is {bound:.3g}.",
            why="The signal dies or explodes on its way through the network, and the gradient with it.",
            advice=(_INITIALISE, _NORMALISE, _PRETRAINED),
        )

    def narrow(
        self, name: str, width: float, threshold: float, *, relative: str, times: int, loss: tuple[float, float] | None
    ) -> Finding:
        """Gradients too narrow to move the weights, at so many saved steps in a row."""
        return self._finding(
            name,
            width,
            threshold,
            what=f"The gradients are too narrow at {count(times, 'saved step')} in a row, up to step {self.step.step}: "
            f"the middle one's p95 - p5 is {width:.3g} of {relative}, the threshold is {threshold:.3g}; the narrowest "
            f"is {name}{_flat(loss)}.",
            why="So small a gradient does not move the weights: the layers stay as they were drawn.",
            advice=(
                _INITIALISE,
                "Replace sigmoid and tanh layers by ReLU, take some layers away or add residual connections.",
                _NORMALISE,
                _PRETRAINED,
                "Raise --lr only when these are ruled out.",
            ),
        )

    def same_for_all(self, names: Sequence[str], bound: float, times: int, loss: tuple[float, float]) -> Finding:
        """Activations that do not depend on the image."""
        return self._finding(
            names[0],
            0.0,
            bound,
            what=f"{names[0]} is the same for all images (less than {bound:.3g} of its mean square differs) at "
            f"{count(times, 'saved step')} in a row, up to step {self.step.step}{_flat(loss)}.",
            why="A layer that answers the same to every image tells the layers above nothing.",
            advice=(_INITIALISE, _NORMALISE, "Look whether the images that the loader yields differ.", _PRETRAINED),
        )

    def _finding(
        self, tensor: str, value: float, threshold: float, *, what: str, why: str, advice: tuple[str, ...]
    ) -> Finding:
        return Finding(
            step=self.step.step,
            mode=self.step.mode,
            mode_step=self.step.mode_step,
            tensor=tensor,
            value=value,
            threshold=threshold,
            what=f"{what} {self.summary()}",
            why=why,
            advice=advice,
        )


def _flat(loss: tuple[float, float] | None) -> str:
    return "" if loss is None else f"; the loss has not fallen: {loss[0]:.4g} on average at first, {loss[1]:.4g} since"
