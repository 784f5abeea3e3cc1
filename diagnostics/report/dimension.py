"""A hyperparameter as an axis: where between 0 and 1 its values lie, and which of them are written beside it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from matplotlib.ticker import MaxNLocator

from diagnostics.report import words
from diagnostics.report.tuning_report import Range, Trial, TuningReport

Scale = Literal["linear", "log", "reverse", "categories"]
AUTO_RATIO = 100  # from which on a range whose scaling SageMaker chooses is drawn logarithmic


@dataclass(frozen=True)
class Dimension:
    """`low` and `high` bound a numeric one; `categories` are those of a categorical one, in order."""

    name: str
    scale: Scale
    low: float = 0.0
    high: float = 1.0
    categories: tuple[str, ...] = ()

    def place(self, value: str | None) -> float | None:
        """0..1; None for a value that is missing or is none of this axis."""
        if self.scale == "categories":
            if value not in self.categories:
                return None
            return (self.categories.index(value) + 0.5) / len(self.categories)
        figure = numeric(value)
        return None if figure is None else self.at(figure)

    def at(self, figure: float) -> float | None:
        """Where a number lies, 0..1; None outside of the axis."""
        if not self.low <= figure <= self.high:
            return None
        low, high, here = (_scaled(self.scale, one) for one in (self.low, self.high, figure))
        return 0.5 if high == low else (here - low) / (high - low)

    def ticks(self, most: int = 6) -> Sequence[tuple[float, str]]:
        """Places and labels, at most about so many."""
        if self.scale == "categories":
            every = -(-len(self.categories) // max(most, 1))
            return [((i + 0.5) / len(self.categories), c) for i, c in enumerate(self.categories) if i % every == 0]
        if self.high == self.low:
            return [(0.5, words.number(self.low))]
        figures = self._figures(most)
        found = [(at, words.number(figure)) for figure in figures if (at := self.at(figure)) is not None]
        return found or [(0.0, words.number(self.low)), (1.0, words.number(self.high))]

    def _figures(self, most: int) -> Sequence[float]:
        if self.scale == "linear":
            locator = MaxNLocator(nbins=most, steps=[1, 2, 2.5, 5, 10])
            return [float(one) for one in locator.tick_values(self.low, self.high)]
        if self.scale == "reverse":
            near, far = 1 - self.high, 1 - self.low
            return [1 - one for one in _decades(near, far, most)]
        return _decades(self.low, self.high, most)


def dimensions(report: TuningReport) -> Sequence[Dimension]:
    """Those of the tuned hyperparameters, or where no ranges are known, of those that differ between trials."""
    names = list(report.ranges) or varying(report.trials)
    return [_dimension(name, report.ranges.get(name, Range("Auto")), report.trials) for name in names]


def varying(trials: Sequence[Trial]) -> Sequence[str]:
    """The hyperparameters with more than one value, by name."""
    names = sorted({name for trial in trials for name in trial.hyperparameters})
    return [name for name in names if len({trial.hyperparameters.get(name) for trial in trials}) > 1]


def numeric(value: str | None) -> float | None:
    """The finite number that the value is, or None."""
    try:
        figure = float(value) if value is not None else math.nan
    except ValueError:
        return None
    return figure if math.isfinite(figure) else None


def _dimension(name: str, given: Range, trials: Sequence[Trial]) -> Dimension:
    values = [trial.hyperparameters[name] for trial in trials if name in trial.hyperparameters]
    figures = [numeric(value) for value in values]
    known = [figure for figure in figures if figure is not None]
    if given.scaling == "Categorical" or len(known) < len(figures):
        return Dimension(name, "categories", categories=_ordered(values))
    bounds = [*known, *(bound for bound in (given.minimum, given.maximum) if bound is not None)] or [0.0, 1.0]
    low, high = min(bounds), max(bounds)
    scales: Mapping[str, Scale] = {"Logarithmic": "log", "ReverseLogarithmic": "reverse"}
    scale = scales.get(given.scaling, "linear")
    if given.scaling == "Auto" and low > 0 and high / low >= AUTO_RATIO:
        scale = "log"
    if (scale == "log" and low <= 0) or (scale == "reverse" and high >= 1):
        scale = "linear"
    return Dimension(name, scale, low, high)


def _ordered(values: Sequence[str]) -> tuple[str, ...]:
    """Each once: numbers by size, names by their letters."""
    return tuple(sorted(set(values), key=lambda value: (numeric(value) is None, numeric(value) or 0.0, value)))


def _scaled(scale: Scale, figure: float) -> float:
    return math.log10(figure) if scale == "log" else -math.log10(1 - figure) if scale == "reverse" else figure


def _decades(low: float, high: float, most: int) -> Sequence[float]:
    """1, 10, 100 ...; with 2 and 5, or 3, where they are few; only some of them where they are many."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    for parts in ((1, 2, 5), (1, 3), (1,)):
        found = [part * 10.0**power for power in range(first, last + 1) for part in parts]
        found = [one for one in found if low * 0.9999 <= one <= high * 1.0001]
        if 2 <= len(found) <= most:
            break
    if len(found) < 2:
        return [low, high]
    return [min(max(one, low), high) for one in found[:: -(-len(found) // most)]]
