"""Every loss over the steps, in bounded memory, as the steps stream by."""

from array import array

from diagnostics.tensors.curve import Curve
from diagnostics.tensors.saved_step import Mode

MOST_POINTS = 4000


class GrowingCurve:
    """A curve that drops every second of its points when there are more than `most`; the first and the newest stay."""

    def __init__(self, most: int = MOST_POINTS) -> None:
        self._most = most
        self._every = 1  # of so many points one is kept
        self._added = 0
        self._steps, self._values = array("q"), array("d")
        self._newest = (0, 0.0)

    def add(self, step: int, value: float) -> None:
        """Take the next point; steps ascend."""
        if self._added % self._every == 0:
            self._steps.append(step)
            self._values.append(value)
        self._added += 1
        self._newest = (step, value)
        if len(self._steps) > self._most:
            self._steps, self._values = self._steps[::2], self._values[::2]
            self._every *= 2

    @property
    def complete(self) -> bool:
        """Whether no point was dropped."""
        return self._every == 1

    def curve(self, tensor: str, mode: Mode) -> Curve:
        """The points as they stand."""
        steps, values = list(self._steps), list(self._values)
        if steps and steps[-1] != self._newest[0]:
            steps.append(self._newest[0])
            values.append(self._newest[1])
        return Curve(tensor, mode.value, steps, values)


class LossCurves:
    """A GrowingCurve by tensor and mode."""

    def __init__(self) -> None:
        self._curves: dict[tuple[str, Mode], GrowingCurve] = {}

    def add(self, tensor: str, mode: Mode, step: int, value: float) -> None:
        """Take the next value of a loss."""
        self._curves.setdefault((tensor, mode), GrowingCurve()).add(step, value)

    def curves(self) -> list[Curve]:
        """All of them, by tensor and mode."""
        return [curve.curve(tensor, mode) for (tensor, mode), curve in sorted(self._curves.items())]

    def complete(self, tensor: str, mode: Mode) -> Curve | None:
        """The loss's curve where it holds every point of it, else None."""
        found = self._curves.get((tensor, mode))
        return found.curve(tensor, mode) if found is not None and found.complete else None
