"""One step of training, or of judging, whose tensors smdebug's hook saved."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from diagnostics.tensors.collections import Collections

Tensor = npt.NDArray[Any]


class Mode(StrEnum):
    """The hook's modes; GLOBAL is a script's that never set one."""

    TRAIN = "TRAIN"
    EVAL = "EVAL"
    PREDICT = "PREDICT"
    GLOBAL = "GLOBAL"


class TensorMissing(Exception):
    """The step has no such tensor, or its file cannot be read; the message says which."""


@dataclass
class SavedStep:
    """What was saved at one step.

    `step` counts all steps of the job from 0, `mode_step` those of its mode. `tensors` are the names saved whole,
    `reductions` the names of which only figures were saved: {"gradient/fc.weight": {"abs_mean", "l2"}}.
    Values are read when they are asked for, and kept as long as this object.
    """

    step: int
    mode: Mode
    mode_step: int
    tensors: frozenset[str]
    reductions: Mapping[str, frozenset[str]]
    collections: Collections
    load: Callable[[str], Tensor] = field(repr=False)  # by the name in the index, reductions included
    _values: dict[str, Tensor] = field(default_factory=dict, repr=False)

    def names(self, collection: str) -> Sequence[str]:
        """The tensors of a collection, saved whole or reduced, sorted."""
        return self.matching(lambda name: self.collections.holds(collection, name))

    def matching(self, chosen: Callable[[str], bool]) -> Sequence[str]:
        """The tensors, saved whole or reduced, that `chosen` says yes to, sorted."""
        return sorted(name for name in {*self.tensors, *self.reductions} if chosen(name))

    def tensor(self, name: str) -> Tensor:
        """A tensor saved whole, read-only. Raises TensorMissing."""
        if name not in self.tensors:
            raise TensorMissing(f"{name} was not saved whole at step {self.step}")
        return self._value(name)

    def reduced(self, name: str, reduction: str) -> float:
        """A figure of a tensor: saved as such, or computed from the whole one. Raises TensorMissing.

        `reduction` is one of the hook's: min, max, mean, std, variance, sum, prod, l1, l2, or any with abs_ before it.
        """
        if reduction in self.reductions.get(name, frozenset()):
            return float(self._value(f"smdebug/reductions/{reduction}/{name}"))
        if name in self.tensors:
            return reduce(self._value(name), reduction)
        raise TensorMissing(f"neither {name} nor its {reduction} was saved at step {self.step}")

    def _value(self, name: str) -> Tensor:
        if name not in self._values:
            self._values[name] = self.load(name)
        return self._values[name]


_REDUCTIONS: Mapping[str, Callable[[Tensor], object]] = {
    "min": np.min,
    "max": np.max,
    "mean": lambda tensor: np.mean(tensor, dtype=np.float64),
    "std": lambda tensor: np.std(tensor, dtype=np.float64),
    "variance": lambda tensor: np.var(tensor, dtype=np.float64),
    "sum": lambda tensor: np.sum(tensor, dtype=np.float64),
    "prod": lambda tensor: np.prod(tensor, dtype=np.float64),
    "l1": lambda tensor: np.linalg.norm(tensor.reshape(-1), 1),
    "l2": lambda tensor: np.linalg.norm(tensor.reshape(-1), 2),
}


def reduce(tensor: Tensor, reduction: str) -> float:
    """The figure `reduction` of a whole tensor; nan of an empty one."""
    absolute, name = reduction.startswith("abs_"), reduction.removeprefix("abs_")
    if tensor.size == 0:
        return float("nan")
    with np.errstate(all="ignore"):  # infinities and NaN are figures like others
        return float(_REDUCTIONS[name](np.abs(tensor) if absolute else tensor))  # type: ignore[arg-type]
