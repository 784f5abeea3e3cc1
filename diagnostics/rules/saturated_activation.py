"""SaturatedActivation: tanh and sigmoid layers driven to their ends."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from diagnostics.rules.finding import Finding
from diagnostics.rules.nodes import Flags, NodeCounts, by_node, values_needed
from diagnostics.rules.parameters import ParameterOutOfRange, regexes
from diagnostics.rules.rule import Rule
from diagnostics.rules.saving import count, save
from diagnostics.rules.selection import described, selection
from diagnostics.tensors.collections import Collections
from diagnostics.tensors.saved_step import Mode, SavedStep, Tensor, TensorMissing

_WHY = "At the ends of tanh and sigmoid the slope is zero: no gradient passes, and what lies below does not learn."
_ADVICE = (
    "Lower --lr: weights that grew too large drive activations to their ends.",
    "Initialise the layer before with torch.nn.init.xavier_uniform_, and scale the input to mean 0 and deviation 1.",
    "Put a batch normalisation before the activation, or use ReLU in its place.",
)


@dataclass
class SaturatedActivation(Rule):
    """Fires where more than `threshold_layer` % of a layer's nodes are saturated: within the function's ends in less
    than `threshold_inactivity` % of their values.

    Reads inputs of tanh and sigmoid layers (tensor_regex), saved whole; the word in the tensor's name that comes last
    says which. An output (`_output` in the name) is compared with the function's values at the ends, as float32. Nodes
    and values are those of DeadRelu.
    """

    collection_names: tuple[str, ...] | None = None
    tensor_regex: tuple[str, ...] | None = (".*tanh_input", ".*sigmoid_input")
    threshold_tanh_min: float = -9.4999
    threshold_tanh_max: float = 9.4999
    threshold_sigmoid_min: float = -23.0
    threshold_sigmoid_max: float = 16.99999
    threshold_inactivity: float = 1.0
    threshold_layer: float = 50.0
    _counts: dict[tuple[str, Mode], NodeCounts] = field(default_factory=dict, init=False, repr=False)
    _judged: bool = field(default=False, init=False, repr=False)
    _missing: str = field(default="", init=False, repr=False)

    def __post_init__(self) -> None:
        for name in ("threshold_inactivity", "threshold_layer"):
            if not 0 < getattr(self, name) <= 100:
                raise ParameterOutOfRange(name, getattr(self, name), "a percentage above 0, up to 100")
        for kind in ("tanh", "sigmoid"):
            low, high = self._ends(kind)
            if not low < high:
                raise ParameterOutOfRange(f"threshold_{kind}_max", high, f"more than threshold_{kind}_min ({low:g})")
        regexes(tensor_regex=self.tensor_regex)

    def selects(self, collections: Collections) -> Callable[[str], bool]:
        """The inputs of tanh and sigmoid layers."""
        return selection(
            collections, self.collection_names, self.tensor_regex, lambda name: function_of(name) is not None
        )

    def observe(self, step: SavedStep) -> Finding | None:
        """Judge the step's activations; the layer with most saturated nodes is named."""
        saturated: dict[str, float] = {}
        for name in step.matching(self.selects(step.collections)):
            kind = function_of(name)
            if kind is None:
                self._missing = f"{name} has neither tanh nor sigmoid in its name"
                continue
            try:
                values = by_node(step.tensor(name))
            except TensorMissing as missing:
                self._missing = str(missing)
                continue
            if values is None:
                continue
            counts = self._counts.setdefault((name, step.mode), NodeCounts())
            counts.add(active(values, kind, self._ends(kind), output="_output" in name))
            percentage = counts.inactive_percentage(self.threshold_inactivity)
            if percentage is not None:
                self._judged = True
                if percentage > self.threshold_layer:
                    saturated[name] = percentage
        return self._finding(step, saturated) if saturated else None

    def unjudged(self) -> str | None:
        """No activation was saved whole, or too few values of each node."""
        if self._judged:
            return None
        advice = save("activations", include_regex=".*tanh_input|.*sigmoid_input", save_interval=100)
        if self._counts:
            needed = values_needed(self.threshold_inactivity)
            return (
                f"Too few values: {needed} of each node are needed to see {self.threshold_inactivity:g} %, and the "
                f"most were {max(counts.values for counts in self._counts.values())}. Save more often: {advice}."
            )
        wanted = described(self.collection_names, self.tensor_regex, "tanh and sigmoid layers")
        reason = f" ({self._missing})" if self._missing else ""
        return f"Nothing of {wanted} was saved whole{reason}. {advice}."

    def _ends(self, kind: str) -> tuple[float, float]:
        if kind == "tanh":
            return self.threshold_tanh_min, self.threshold_tanh_max
        return self.threshold_sigmoid_min, self.threshold_sigmoid_max

    def _finding(self, step: SavedStep, saturated: dict[str, float]) -> Finding:
        name = max(saturated, key=lambda name: saturated[name])
        others = "" if len(saturated) == 1 else f", and {count(len(saturated) - 1, 'more layer')} like it"
        low, high = self._ends(str(function_of(name)))
        return Finding(
            step=step.step,
            mode=step.mode,
            mode_step=step.mode_step,
            tensor=name,
            value=saturated[name],
            threshold=self.threshold_layer,
            what=f"{saturated[name]:.4g} % of the nodes of {name} are saturated at step {step.step}, with less than "
            f"{self.threshold_inactivity:g} % of their inputs between {low:g} and {high:g}; the threshold is "
            f"{self.threshold_layer:g} %{others}.",
            why=_WHY,
            advice=_ADVICE,
        )


def function_of(name: str) -> str | None:
    """`tanh` or `sigmoid`, whichever stands last in the tensor's name; None of another layer's."""
    last = max(("tanh", "sigmoid"), key=name.lower().rfind)
    return last if last in name.lower() else None


def active(values: Tensor, kind: str, ends: tuple[float, float], *, output: bool) -> Flags:
    """Which inputs lie between the ends; of outputs, which lie between the function's values there."""
    if not output:
        return np.asarray((values >= ends[0]) & (values <= ends[1]))
    low, high = (np.float32(_FUNCTIONS[kind](end)) for end in ends)
    return np.asarray((values > low) & (values < high))


_FUNCTIONS: dict[str, Callable[[float], float]] = {
    "tanh": math.tanh,
    "sigmoid": lambda x: 1 / (1 + math.exp(-x)) if x > -700 else 0.0,
}
