"""PoorWeightInitialization: a start from which the network cannot learn, told apart from transfer learning."""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from diagnostics.rules.finding import Finding
from diagnostics.rules.initial_layers import GRADIENT, InitialLayers
from diagnostics.rules.initial_signals import activation_variance, is_of_softmax
from diagnostics.rules.initial_stall import SAME_FOR_ALL, InitialStall, widths
from diagnostics.rules.losses import loss_at
from diagnostics.rules.parameters import at_least, regexes
from diagnostics.rules.rule import Rule
from diagnostics.rules.saved_figures import deviation, figure, whole
from diagnostics.rules.saving import save
from diagnostics.rules.start_findings import StartFindings
from diagnostics.tensors.collections import Collections
from diagnostics.tensors.saved_step import Mode, SavedStep

_LOOKUP = re.compile("emb", re.IGNORECASE)  # rows of an embedding are looked up, not summed: they have no fan
_TINY = 1e-300


@dataclass
class PoorWeightInitialization(Rule):
    """Judges the first `steps` saved steps of training that hold weights, gradients or activations. Fires where

    1. a trained layer has the same weights for all its units, or has zeros and a gradient of zeros at two saved steps
       in a row; a zero layer that the gradient reaches (a head) is a fair start;
    2. the mean square of the weights of trained, freshly drawn layers lies too far from what the shape asks for: see
       initial_weight.departure; the highest departure (at least 1) over the lowest (at most 1) is above `threshold`.
       A layer before a softmax, or, where none is known, one layer, may start as small as it likes;
    3. at the first step with activations (activation_inputs_regex) the highest variance over the lowest is above
       threshold**3, three orders of magnitude by default; networks with pretrained layers are not judged by it;
    4. at `patience` saved steps in a row gradients are narrow, or an activation is the same for all images, and the
       loss has not fallen by 1 % since the start (mean of the latter half of the losses over that of the first half).
       Narrow: p95 - p5 of a gradient over the RMS that its weights had when first saved, the median over the trained
       layers, is below `distribution_range`. Weights not saved: over the range of the widest gradient instead.
       Losses not saved: narrow gradients fire alone, unless they have widened to twice the first.

    A layer is a weight with two dimensions or more. It is trained if it has a gradient; where no gradients are saved,
    all are taken for trained. It is pretrained if no initialiser draws such values (initial_weight.looks_pretrained).
    """

    activation_inputs_regex: tuple[str, ...] = (".*relu_input",)
    threshold: float = 10.0
    distribution_range: float = 0.001
    patience: int = 5
    steps: int = 10
    _layers: InitialLayers = field(default_factory=InitialLayers, init=False, repr=False)
    _stall: InitialStall = field(default_factory=InitialStall, init=False, repr=False)
    _stuck: set[str] = field(default_factory=set, init=False, repr=False)  # zeros with a gradient of zeros
    _seen: int = field(default=0, init=False, repr=False)
    _activations: bool = field(default=False, init=False, repr=False)
    _judged: bool = field(default=False, init=False, repr=False)

    def __post_init__(self) -> None:
        at_least(1, threshold=self.threshold, patience=self.patience, steps=self.steps)
        at_least(0, distribution_range=self.distribution_range)
        regexes(activation_inputs_regex=self.activation_inputs_regex)

    def selects(self, collections: Collections) -> Callable[[str], bool]:
        """Weights, gradients, losses and the activations, until the first `steps` are over; nothing from then on."""
        return lambda name: (
            self._seen < self.steps
            and (
                any(collections.holds(collection, name) for collection in ("weights", "gradients", "losses"))
                or self._is_activation(name)
            )
        )

    def observe(self, step: SavedStep) -> Finding | None:
        """Judge one of the first steps of training."""
        if self._seen >= self.steps or step.mode not in (Mode.TRAIN, Mode.GLOBAL):
            return None
        loss = loss_at(step, lambda name: step.collections.holds("losses", name))
        if loss is not None and math.isfinite(loss.value):
            self._stall.losses.append(loss.value)
        activations = step.matching(self._is_activation)
        if not activations and not step.names("weights") and not step.names("gradients"):
            return None
        self._seen += 1
        new = self._layers.learn(step)
        self._judged |= bool(new)
        findings = StartFindings(step, self.summary)
        return (
            self._same_units(findings, new)
            or self._stuck_zeros(findings, step)
            or (self._scale(findings, step) if new else None)
            or self._activation_growth(findings, step, activations)
            or self._stalled(findings, step, activations)
        )

    def unjudged(self) -> str | None:
        """Neither weights with their gradients nor activations were saved, or none that can be judged."""
        if self._judged:
            return None
        few = {"train_save_interval": 100, "end_step": 500}
        return (
            "The start cannot be judged from what was saved: it takes the first steps' weights and gradients, whole. "
            f"{save('weights', **few)}; {save('gradients', **few)}; and, where the network has ReLUs, "
            f"{save('relu_input', include_regex='.*relu_input', **few)}."
        )

    def summary(self) -> str:
        """What was recognised and judged: how many layers look pretrained, how many are frozen, which were judged."""
        return self._layers.summary()

    def _is_activation(self, name: str) -> bool:
        return any(re.search(regex, name) for regex in self.activation_inputs_regex)

    def _same_units(self, findings: StartFindings, new: Sequence[str]) -> Finding | None:
        layers = self._layers.layers
        same = [name for name in new if layers[name].same_units and self._layers.is_trained(name)]
        return findings.same_units(same, layers[same[0]].rms) if same else None

    def _stuck_zeros(self, findings: StartFindings, step: SavedStep) -> Finding | None:
        if not step.names("gradients"):
            return None
        zeros = {name for name, layer in self._layers.layers.items() if layer.zero and stays_zero(step, name)}
        stuck, self._stuck = sorted(zeros & self._stuck), zeros
        return findings.stuck_zeros(stuck) if stuck else None

    def _scale(self, findings: StartFindings, step: SavedStep) -> Finding | None:
        drawn = {name: self._layers.layers[name] for name in self._layers.fresh() if not _LOOKUP.search(name)}
        times = {name: layer.departure for name, layer in drawn.items() if not layer.zero and not layer.same_units}
        heads = [name for name in times if is_head(step, name)] or sorted(times, key=lambda name: times[name])[:1]
        times |= {name: max(times[name], 1.0) for name in heads}
        spread = max(1.0, *times.values()) / max(min(1.0, *times.values()), _TINY) if times else 1.0
        if not spread > self.threshold:
            return None
        worst = max(times, key=lambda name: abs(math.log(max(times[name], _TINY))))
        off = sum(1 for departure in times.values() if departure != 1)
        return findings.scale(worst, drawn[worst], spread, self.threshold, off)

    def _activation_growth(
        self, findings: StartFindings, step: SavedStep, activations: Sequence[str]
    ) -> Finding | None:
        """Judged once: later on training itself has changed them."""
        if self._activations or self._layers.any_pretrained():
            return None
        found = {name: variance for name in activations if (variance := variance_of(step, name)) is not None}
        if not found:
            return None
        self._activations = self._judged = True
        lowest, highest = min(found, key=lambda name: found[name]), max(found, key=lambda name: found[name])
        ratio = found[highest] / found[lowest] if found[lowest] else math.inf
        bound = self.threshold**3
        if found[highest] == 0 or not ratio > bound:
            return None
        return findings.activations((lowest, found[lowest]), (highest, found[highest]), ratio, bound)

    def _stalled(self, findings: StartFindings, step: SavedStep, activations: Sequence[str]) -> Finding | None:
        wide = widths(step, self._layers)
        self._judged |= bool(wide)
        stall = self._stall
        stall.take(step, wide, activations, self.distribution_range)
        loss = stall.flat_loss(self.patience)
        if wide and len(stall.narrow) >= self.patience and (loss or stall.stays_narrow()):
            return findings.narrow(
                min(wide, key=lambda name: wide[name]),
                stall.narrow[-1],
                self.distribution_range,
                relative="its weights' RMS" if self._layers.scales() else "the widest one's",
                times=len(stall.narrow),
                loss=loss,
            )
        same = sorted(name for name, times in stall.same.items() if times >= self.patience)
        return findings.same_for_all(same, SAME_FOR_ALL, self.patience, loss) if same and loss else None


def stays_zero(step: SavedStep, name: str) -> bool:
    """Whether the weight, where it is saved, is zeros now, and its gradient, which has to be saved, as well."""
    weight, gradient = whole(step, name), whole(step, f"{GRADIENT}{name}")
    if weight is not None and weight.any():
        return False
    if gradient is not None:
        return not gradient.any()
    return any(figure(step, f"{GRADIENT}{name}", norm) == 0 for norm in ("abs_max", "abs_mean", "l1", "l2"))


def is_head(step: SavedStep, name: str) -> bool:
    """Whether the layer's gradient is that of a layer before a softmax."""
    gradient = whole(step, f"{GRADIENT}{name}")
    return gradient is not None and is_of_softmax(gradient)


def variance_of(step: SavedStep, name: str) -> float | None:
    """Of an activation, whole or reduced."""
    activation = whole(step, name)
    if activation is not None:
        return activation_variance(activation)
    spread = deviation(step, name)
    return None if spread is None else spread**2
