"""The loss at a step, and its mean over a pass."""

from collections.abc import Callable
from dataclasses import dataclass, field

from diagnostics.tensors.saved_step import Mode, SavedStep, TensorMissing


@dataclass(frozen=True)
class Loss:
    """A loss: of one step, or the mean over a pass, whose last saved step is then the one named.

    `tensor` is its name, or several names with commas whose mean it is; `steps` is how many steps it stands for.
    """

    tensor: str
    step: int
    mode: Mode
    mode_step: int
    value: float
    steps: int = 1


def loss_at(step: SavedStep, chosen: Callable[[str], bool]) -> Loss | None:
    """The mean over the chosen tensors of a step; None where none of them can be read."""
    values: dict[str, float] = {}
    for name in step.matching(chosen):
        try:
            values[name] = step.reduced(name, "mean")
        except TensorMissing:
            continue
    if not values:
        return None
    mean = sum(values.values()) / len(values)
    return Loss(", ".join(values), step.step, step.mode, step.mode_step, mean)


@dataclass
class Passes:
    """Gathers the losses of a mode into passes: steps of that mode with no step of another mode among them.

    `step` counts all steps and `mode_step` those of the mode, so their difference stays the same for as long as no
    other mode has a step, saved or not. A pass is known to be over only when the next one begins.
    """

    _last: Loss | None = field(default=None, init=False)
    _sum: float = field(default=0.0, init=False)
    _steps: int = field(default=0, init=False)

    def add(self, loss: Loss) -> Loss | None:
        """Take one more step's loss; the mean of the pass that is over because this one begins another."""
        over = None
        if self._last is not None and loss.step - loss.mode_step != self._last.step - self._last.mode_step:
            over = self.end()
        self._last = loss
        self._sum += loss.value
        self._steps += 1
        return over

    def end(self) -> Loss | None:
        """The mean of the pass under way, which is over; None where there is none."""
        last = self._last
        if last is None:
            return None
        over = Loss(last.tensor, last.step, last.mode, last.mode_step, self._sum / self._steps, self._steps)
        self._last, self._sum, self._steps = None, 0.0, 0
        return over
