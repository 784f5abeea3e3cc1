"""LossNotDecreasing: the loss does not fall as fast as it should, or it rises."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from diagnostics.rules.finding import Finding
from diagnostics.rules.losses import Loss, Passes, loss_at
from diagnostics.rules.parameters import ParameterOutOfRange, at_least, regexes
from diagnostics.rules.rule import Rule
from diagnostics.rules.saving import count, save
from diagnostics.rules.selection import described, selection
from diagnostics.tensors.collections import Collections
from diagnostics.tensors.saved_step import Mode, SavedStep

_WHY = "Steps that do not lower the loss cost time and teach the network nothing; a rising loss undoes what it learned."
_RISING = (
    "Lower --lr, by a factor of ten to begin with: a loss that rises or jumps is stepped over.",
    "Raise --batch-size: the gradient of few images points anywhere.",
)
_FLAT = (
    "If the loss is as low as it can get, training is over: stop it earlier with --patience or fewer --epochs.",
    "Change --lr: raise it where the loss crawled from the start, lower it (--scheduler cosine) where it first fell.",
    "Where the loss stays at ln(number of classes), look for wrong labels and for layers that do not learn.",
)
_ORDER = (Mode.EVAL, Mode.TRAIN, Mode.GLOBAL)


@dataclass
class _History:
    """The losses of one mode, and when they were checked last."""

    losses: list[Loss] = field(default_factory=list)
    checked: int | None = None  # mode step


@dataclass
class LossNotDecreasing(Rule):
    """Fires where a loss is not `diff_percent` % lower than the newest loss at least `num_steps` steps before it.

    That is checked when `num_steps` have passed since the last check. In between, a loss that is more than
    `increase_threshold_percent` % above the newest one at least `num_steps` before it fires at once, and so does NaN
    at a check. Steps are those of the mode. The loss at a step is the mean over the tensors of the collection losses
    (where `use_losses_collection`), and of collection_names and tensor_regex.

    One batch's loss says little: in mode EVAL the means over whole validation passes are compared, each counted at
    its last saved step. `mode` names the mode to judge. Without it AWS's order holds, EVAL before TRAIN before GLOBAL,
    and as a first validation pass may be an epoch away, what is found in mode TRAIN waits: it is dropped when an EVAL
    loss comes, and told at the end of the job when none came. Ask for mode TRAIN to be told at once.
    """

    collection_names: Sequence[str] | None = None
    tensor_regex: Sequence[str] | None = None
    use_losses_collection: bool = True
    num_steps: int = 10
    diff_percent: float = 0.1
    increase_threshold_percent: float = 5.0
    mode: Mode | None = None
    _histories: dict[Mode, _History] = field(default_factory=dict, init=False, repr=False)
    _passes: Passes = field(default_factory=Passes, init=False, repr=False)
    _waiting: Finding | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        at_least(1, num_steps=self.num_steps)
        at_least(0, diff_percent=self.diff_percent, increase_threshold_percent=self.increase_threshold_percent)
        regexes(tensor_regex=self.tensor_regex)
        if not (self.use_losses_collection or self.collection_names or self.tensor_regex):
            allowed = "true, unless collection_names or tensor_regex say which tensors are losses"
            raise ParameterOutOfRange("use_losses_collection", False, allowed)
        if self.mode is Mode.PREDICT:
            raise ParameterOutOfRange("mode", self.mode, "EVAL, TRAIN, GLOBAL")

    def selects(self, collections: Collections) -> Callable[[str], bool]:
        """The collection losses, unless told otherwise, and what the parameters name."""
        names = [*(["losses"] if self.use_losses_collection else []), *(self.collection_names or ())]
        return selection(collections, names, self.tensor_regex, lambda _: False)

    def observe(self, step: SavedStep) -> Finding | None:
        """Compare the step's loss with earlier ones of its mode."""
        if step.mode not in _ORDER or self.mode not in (None, step.mode):
            return None
        loss = loss_at(step, self.selects(step.collections))
        if loss is None or (self.mode is None and self._outranked(step.mode)):
            return None
        history = self._histories.setdefault(step.mode, _History())
        if step.mode is Mode.EVAL:
            self._waiting = None
            over = self._passes.add(loss)
            return None if over is None else self._judge(history, over)
        found = self._judge(history, loss)
        if self.mode is None and step.mode is Mode.TRAIN:
            self._waiting = self._waiting or found
            return None
        return found

    def ended(self) -> Finding | None:
        """What the last validation pass says; without one, what was found in mode TRAIN."""
        over = self._passes.end()
        return self._waiting if over is None else self._judge(self._histories[Mode.EVAL], over)

    def unjudged(self) -> str | None:
        """No loss was saved, or no two of them are num_steps apart."""
        mode = self.mode or next((mode for mode in _ORDER if mode in self._histories), None)
        if mode in self._histories and self._histories[mode].checked is not None:
            return None
        chosen = ["losses"] if self.use_losses_collection else []
        wanted = described([*chosen, *(self.collection_names or ())], self.tensor_regex, "(no collection)")
        if mode is None or mode not in self._histories:
            where = "" if mode is None else f" in mode {mode}"
            return f"No loss of {wanted} was saved{where}. {save('losses', save_interval=self.num_steps)}."
        losses = self._histories[mode].losses  # at least one: the mode has a history, and the last pass has ended
        seen = losses[-1].mode_step - losses[0].mode_step
        kind = "validation passes" if mode is Mode.EVAL else "losses"
        return (
            f"Too few steps: two {kind} of mode {mode} at least {count(self.num_steps, 'step')} apart are needed, "
            f"those that were saved are {seen} apart. Train for more --epochs, lower the parameter num_steps, "
            f"or save more often: {save('losses', save_interval=1)}."
        )

    def _outranked(self, mode: Mode) -> bool:
        """Whether losses of a mode that comes first were seen."""
        return any(other in self._histories for other in _ORDER[: _ORDER.index(mode)])

    def _judge(self, history: _History, loss: Loss) -> Finding | None:
        """Check the loss against its base, keep it, and let go what no later loss can be compared with."""
        earlier = history.losses
        while len(earlier) > 1 and earlier[1].mode_step <= loss.mode_step - self.num_steps:
            earlier.pop(0)
        base = earlier[0] if earlier and earlier[0].mode_step <= loss.mode_step - self.num_steps else None
        if not math.isnan(loss.value) or not earlier:  # nothing can be compared with NaN
            earlier.append(loss)
        if base is None:
            return None
        due = history.checked is None or loss.mode_step - history.checked >= self.num_steps
        if due:
            history.checked = loss.mode_step
        if due and not falls(base.value, loss.value, self.diff_percent):
            return self._finding(base, loss, self.diff_percent)
        if rises(base.value, loss.value, self.increase_threshold_percent):
            return self._finding(base, loss, -self.increase_threshold_percent)
        return None

    def _finding(self, base: Loss, loss: Loss, percent: float) -> Finding:
        threshold = base.value - percent / 100 * abs(base.value)
        kind = "mean of the validation pass" if loss.mode is Mode.EVAL else "loss"
        wanted = f"{percent:g} % lower" if percent >= 0 else f"at most {-percent:g} % higher"
        rising = not loss.value <= base.value  # NaN as well
        return Finding(
            step=loss.step,
            mode=loss.mode,
            mode_step=loss.mode_step,
            tensor=loss.tensor,
            value=loss.value,
            threshold=threshold,
            what=f"{loss.tensor}: the {kind} at step {loss.step} is {loss.value:.6g}; at step {base.step} it was "
            f"{base.value:.6g}, and {wanted} was expected ({threshold:.6g}).",
            why=_WHY,
            advice=(*_RISING, *_FLAT) if rising else (*_FLAT, *_RISING),
        )


def falls(base: float, loss: float, percent: float) -> bool:
    """Whether the loss is at least so many percent below the base. NaN never is, and all else is below it."""
    if math.isnan(base) or math.isinf(base):
        return loss < base or (math.isnan(base) and not math.isnan(loss))
    return loss <= base - percent / 100 * abs(base)


def rises(base: float, loss: float, percent: float) -> bool:
    """Whether the loss is more than so many percent above the base."""
    return loss > base + percent / 100 * abs(base)
