"""DeadRelu: layers most of whose ReLUs never let anything through."""

from collections.abc import Callable
from dataclasses import dataclass, field

from diagnostics.rules.finding import Finding
from diagnostics.rules.nodes import NodeCounts, by_node, values_needed
from diagnostics.rules.parameters import ParameterOutOfRange, regexes
from diagnostics.rules.rule import Rule
from diagnostics.rules.saving import count, save
from diagnostics.rules.selection import described, selection
from diagnostics.tensors.collections import Collections
from diagnostics.tensors.saved_step import Mode, SavedStep, TensorMissing

_WHY = "A ReLU that is never active has no gradient: it does not come back, and the layer works with what is left."
_ADVICE = (
    "Lower --lr: one step that is too large throws ReLUs to where no image reaches them.",
    "Initialise biases with zeros or small positive numbers, and weights by torch.nn.init.kaiming_normal_.",
    "Put a batch normalisation before the ReLU, or use nn.LeakyReLU or nn.SiLU in its place.",
)


@dataclass
class DeadRelu(Rule):
    """Fires where more than `threshold_layer` % of a layer's ReLUs are active in less than `threshold_inactivity` % of
    their values.

    Reads the outputs of ReLUs (tensor_regex), saved whole. A ReLU is a channel of [images, channels, ...] or a feature
    of [images, features]; its values are those of all images and places. They are gathered over saved steps of a mode
    until there are enough to see the threshold (100 for 1 %), judged, and gathered anew. `collection_names` adds
    tensors of collections.
    """

    tensor_regex: tuple[str, ...] | None = (".*relu_output",)
    collection_names: tuple[str, ...] | None = None
    threshold_inactivity: float = 1.0
    threshold_layer: float = 50.0
    _counts: dict[tuple[str, Mode], NodeCounts] = field(default_factory=dict, init=False, repr=False)
    _judged: bool = field(default=False, init=False, repr=False)
    _missing: str = field(default="", init=False, repr=False)

    def __post_init__(self) -> None:
        for name in ("threshold_inactivity", "threshold_layer"):
            if not 0 < getattr(self, name) <= 100:
                raise ParameterOutOfRange(name, getattr(self, name), "a percentage above 0, up to 100")
        regexes(tensor_regex=self.tensor_regex)

    def selects(self, collections: Collections) -> Callable[[str], bool]:
        """The outputs of ReLUs."""
        return selection(collections, self.collection_names, self.tensor_regex, lambda name: "relu_output" in name)

    def observe(self, step: SavedStep) -> Finding | None:
        """Judge the step's outputs; the layer with most dead ReLUs is named."""
        dead: dict[str, float] = {}
        for name in step.matching(self.selects(step.collections)):
            try:
                values = by_node(step.tensor(name))
            except TensorMissing as missing:
                self._missing = str(missing)
                continue
            if values is None:
                continue
            counts = self._counts.setdefault((name, step.mode), NodeCounts())
            counts.add(values > 0)
            percentage = counts.inactive_percentage(self.threshold_inactivity)
            if percentage is not None:
                self._judged = True
                if percentage > self.threshold_layer:
                    dead[name] = percentage
        if not dead:
            return None
        name = max(dead, key=lambda name: dead[name])
        others = "" if len(dead) == 1 else f", and {count(len(dead) - 1, 'more layer')} like it"
        return Finding(
            step=step.step,
            mode=step.mode,
            mode_step=step.mode_step,
            tensor=name,
            value=dead[name],
            threshold=self.threshold_layer,
            what=f"{dead[name]:.4g} % of the ReLUs of {name} are active in less than {self.threshold_inactivity:g} % "
            f"of their values at step {step.step}; the threshold is {self.threshold_layer:g} %{others}.",
            why=_WHY,
            advice=_ADVICE,
        )

    def unjudged(self) -> str | None:
        """No output was saved whole, or too few values of each ReLU."""
        if self._judged:
            return None
        advice = save("relu_output", include_regex=".*relu_output", save_interval=100)
        if self._counts:
            needed = values_needed(self.threshold_inactivity)
            return (
                f"Too few values: {needed} of each ReLU are needed to see {self.threshold_inactivity:g} %, and the "
                f"most were {max(counts.values for counts in self._counts.values())}. Save more often: {advice}."
            )
        wanted = described(self.collection_names, self.tensor_regex, "ReLU outputs")
        reason = f" ({self._missing})" if self._missing else ""
        return f"Nothing of {wanted} was saved whole{reason}. {advice}."
