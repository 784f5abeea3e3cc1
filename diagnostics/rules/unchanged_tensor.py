"""UnchangedTensor: tensors that stay as they are."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from diagnostics.rules.finding import Finding
from diagnostics.rules.parameters import at_least, regexes
from diagnostics.rules.rule import Rule
from diagnostics.rules.saving import count, save
from diagnostics.rules.selection import described, selection
from diagnostics.tensors.collections import Collections
from diagnostics.tensors.saved_step import Mode, SavedStep, Tensor, TensorMissing

_WHY = "A weight that does not move does not learn; an output that does not move does not depend on the image."
_ADVICE = (
    "Raise --lr where nothing moves, and look whether the schedule (--scheduler, --gamma) has brought it to zero.",
    "Hand the layer's parameters to the optimiser, and look for detached tensors and dead ReLUs before it.",
    "If the layer is frozen on purpose (--freeze-backbone), save the collection gradients as well: weights without a "
    "gradient, where others have one, are known as frozen and not judged.",
)
# Figures to which every value adds: two tensors that differ hardly ever agree in one of them to the last bit.
_TELLING = frozenset({"mean", "std", "variance", "sum", "l1", "l2"})

_Saved = Tensor | Mapping[str, float]  # whole, or figures by reduction


@dataclass
class UnchangedTensor(Rule):
    """Fires where the newest `num_steps` saved values of a tensor are all close to the newest (numpy.allclose with
    `rtol`, `atol`, `equal_nan`); steps where the tensor was not saved do not count.

    Of a tensor that was saved as reductions all figures have to be the same to the last bit, as figures of large
    tensors stay close while the values move; one of mean, std, variance, sum, l1, l2 has to be among them.

    Weights and biases are not compared at steps of validation, which leave them as they are.
    Frozen weights of transfer learning do not fire: a weight or bias that never had a gradient saved, once another
    has, is frozen. Where no gradient at all is saved frozen weights cannot be told from stuck ones, and fire.
    Looks at collection_names and tensor_regex, by default at all that is saved.
    """

    collection_names: Sequence[str] | None = None
    tensor_regex: Sequence[str] | None = None
    num_steps: int = 3
    rtol: float = 1e-5
    atol: float = 1e-8
    equal_nan: bool = False
    _earlier: dict[str, list[_Saved]] = field(default_factory=dict, init=False, repr=False)
    _gradients: set[str] = field(default_factory=set, init=False, repr=False)
    _judged: bool = field(default=False, init=False, repr=False)
    _missing: str = field(default="", init=False, repr=False)

    def __post_init__(self) -> None:
        at_least(2, num_steps=self.num_steps)
        at_least(0, rtol=self.rtol, atol=self.atol)
        regexes(tensor_regex=self.tensor_regex)

    def selects(self, collections: Collections) -> Callable[[str], bool]:
        """Those of the parameters, or all; and the names of gradients, which tell what is frozen."""
        chosen = self._chosen(collections)
        return lambda name: chosen(name) or collections.holds("gradients", name)

    def observe(self, step: SavedStep) -> Finding | None:
        """Compare the step's tensors with earlier ones; the first unchanged one, by name, is named."""
        self._gradients.update(step.names("gradients"))
        chosen = step.matching(self._chosen(step.collections))
        if step.mode in (Mode.EVAL, Mode.PREDICT):
            chosen = [name for name in chosen if not _parameter(step.collections, name)]
        found = [name for name in chosen if self._unchanged(step, name)]
        found = [name for name in found if not self._frozen(step.collections, name)]
        if not found:
            return None
        name = found[0]
        others = "" if len(found) == 1 else f", and {len(found) - 1} more tensors like it"
        return Finding(
            step=step.step,
            mode=step.mode,
            mode_step=step.mode_step,
            tensor=name,
            value=self.num_steps,
            threshold=self.num_steps,
            what=f"{name} was the same at the last {self.num_steps} steps where it was saved, up to step {step.step} "
            f"(within rtol {self.rtol:g}, atol {self.atol:g}){others}.",
            why=_WHY,
            advice=_ADVICE,
        )

    def unjudged(self) -> str | None:
        """Nothing of what it looks at was saved, or not often enough."""
        if self._judged:
            return None
        wanted = described(self.collection_names, self.tensor_regex, "any tensor")
        collection = next(iter(self.collection_names or ()), "weights")
        if self._earlier:
            most = max(map(len, self._earlier.values()))
            return (
                f"Too few steps: a tensor has to be saved {count(self.num_steps, 'time')}, and none of {wanted} was "
                f"more than {count(most, 'time')}. Train for more --epochs, or save more often: "
                f"{save(collection, train_save_interval=10, reductions='mean,l2_norm')}."
            )
        reason = f" ({self._missing})" if self._missing else ""
        advice = save(collection, train_save_interval=10, reductions="mean,l2_norm")
        return f"Nothing of {wanted} was saved{reason}. {advice}."

    def _chosen(self, collections: Collections) -> Callable[[str], bool]:
        return selection(collections, self.collection_names, self.tensor_regex, lambda _: True)

    def _frozen(self, collections: Collections, name: str) -> bool:
        """Whether the tensor is a parameter without a gradient, while others have one."""
        return _parameter(collections, name) and bool(self._gradients) and f"gradient/{name}" not in self._gradients

    def _unchanged(self, step: SavedStep, name: str) -> bool:
        """Keep the tensor, and compare it with the num_steps - 1 before it."""
        try:
            now = self._saved(step, name)
        except TensorMissing as missing:
            self._missing = str(missing)
            return False
        if now is None:
            return False
        earlier = self._earlier.setdefault(name, [])
        full = len(earlier) == self.num_steps - 1
        self._judged |= full
        unchanged = full and all(self._same(then, now) for then in earlier)
        if full:
            earlier.pop(0)
        earlier.append(now)
        return unchanged

    def _saved(self, step: SavedStep, name: str) -> _Saved | None:
        """None of an empty tensor, and of one that is no number. Raises TensorMissing."""
        if name in step.tensors:
            tensor = step.tensor(name)
            return tensor if tensor.size and tensor.dtype.kind in "biufc" else None
        figures = step.reductions[name]
        if not any(figure.removeprefix("abs_") in _TELLING for figure in figures):
            raise TensorMissing(f"of {name} only {', '.join(sorted(figures))} were saved at step {step.step}")
        return {figure: step.reduced(name, figure) for figure in sorted(figures)}

    def _same(self, then: _Saved, now: _Saved) -> bool:
        if isinstance(then, np.ndarray) and isinstance(now, np.ndarray):
            if then.shape != now.shape:
                return False
            with np.errstate(all="ignore"):  # infinities, and half floats whose tolerance overflows
                return bool(np.allclose(then, now, rtol=self.rtol, atol=self.atol, equal_nan=self.equal_nan))
        return isinstance(then, dict) and isinstance(now, dict) and then == now


def _parameter(collections: Collections, name: str) -> bool:
    return collections.holds("weights", name) or collections.holds("biases", name)
