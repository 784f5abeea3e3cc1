"""What the steps that a stream has given out have told: losses, which tensors were saved when, what cannot be read."""

from array import array
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from diagnostics.tensors.index import StepIndex
from diagnostics.tensors.loss_curves import LossCurves
from diagnostics.tensors.saved_step import Mode, SavedStep, TensorMissing

NAMED_PROBLEMS = 20


@dataclass
class Unreadable:
    """What could not be read: how many tensors and steps, and the first of them in words."""

    count: int = 0
    first: list[str] = field(default_factory=list)

    def add(self, message: str) -> None:
        """Count one."""
        self.count += 1
        if len(self.first) < NAMED_PROBLEMS:
            self.first.append(message)


@dataclass
class History:
    """Grows with each step. `saved`: steps by tensor and mode; `missing`: event files by step."""

    newest: int | None = None
    steps: int = 0
    losses: LossCurves = field(default_factory=LossCurves)
    saved: dict[tuple[str, Mode], "array[int]"] = field(default_factory=dict)
    unreadable: Unreadable = field(default_factory=Unreadable)
    missing: dict[int, str] = field(default_factory=dict)

    def count(self, step: int) -> None:
        """One more step."""
        self.newest = step
        self.steps += 1

    def note(self, saved: SavedStep, is_loss: Callable[[str], bool]) -> None:
        """Keep the step's losses, and which tensors it has."""
        for tensor in {*saved.tensors, *saved.reductions}:
            steps = self.saved.get((tensor, saved.mode))
            if steps is None:
                steps = self.saved[tensor, saved.mode] = array("q")
            steps.append(saved.step)
            if is_loss(tensor):
                with suppress(TensorMissing):  # counted where it is read
                    self.losses.add(tensor, saved.mode, saved.step, saved.reduced(tensor, "mean"))

    def missed(self, index: StepIndex, message: str) -> None:
        """A tensor of a step cannot be read."""
        self.unreadable.add(message)
        self.missing[index.step] = index.event_file
