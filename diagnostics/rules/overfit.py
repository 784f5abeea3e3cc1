"""Overfit: the loss on images it never saw is far above the loss on those it learned from."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from diagnostics.rules.finding import Finding
from diagnostics.rules.losses import Loss, Passes, loss_at
from diagnostics.rules.parameters import at_least, regexes
from diagnostics.rules.rule import Rule
from diagnostics.rules.saving import count, save
from diagnostics.rules.selection import described, selection
from diagnostics.tensors.collections import Collections
from diagnostics.tensors.saved_step import Mode, SavedStep

_WHY = "The network learns the training images by heart: what it gains there is lost on new photographs."
_ADVICE = (
    "Turn --augment on and raise --dropout, --weight-decay or --label-smoothing.",
    "Train the head only (--freeze-backbone true), or for fewer --epochs; --patience stops when validation gets worse.",
    "Add training images: the fewer there are, the sooner they are known by heart.",
)


@dataclass
class Overfit(Rule):
    """Fires where (validation loss - training loss) / training loss > `ratio_threshold`, `patience` times in a row.

    One point is one validation pass: the mean of its EVAL losses against the mean of the TRAIN losses since the pass
    before. Passes that end before step `start_step` do not count; neither do those with no TRAIN loss before them.
    A finding is that of the pass's last saved step, and told when the next pass, or training, goes on.
    """

    tensor_regex: Sequence[str] | None = None
    start_step: int = 0
    patience: int = 1
    ratio_threshold: float = 0.1
    _training: Passes = field(default_factory=Passes, init=False, repr=False)
    _validation: Passes = field(default_factory=Passes, init=False, repr=False)
    _trained: Loss | None = field(default=None, init=False, repr=False)
    _running: int = field(default=0, init=False, repr=False)
    _judged: int = field(default=0, init=False, repr=False)
    _seen: set[Mode] = field(default_factory=set, init=False, repr=False)

    def __post_init__(self) -> None:
        at_least(0, start_step=self.start_step)
        at_least(1, patience=self.patience)
        regexes(tensor_regex=self.tensor_regex)

    def selects(self, collections: Collections) -> Callable[[str], bool]:
        """Those of tensor_regex, or the collection losses."""
        return selection(collections, None, self.tensor_regex, lambda name: collections.holds("losses", name))

    def observe(self, step: SavedStep) -> Finding | None:
        """Add the step's loss to its pass; judge the validation pass that ended before it."""
        if step.mode not in (Mode.TRAIN, Mode.EVAL):
            return None
        loss = loss_at(step, self.selects(step.collections))
        if loss is None:
            return None
        self._seen.add(step.mode)
        if step.mode is Mode.TRAIN:
            found = self._judge(self._validation.end())
            self._training.add(loss)
            return found
        found = self._judge(self._validation.add(loss))
        self._trained = self._training.end() or self._trained
        return found

    def ended(self) -> Finding | None:
        """Judge the last validation pass."""
        return self._judge(self._validation.end())

    def unjudged(self) -> str | None:
        """Losses of one mode are missing, or too few passes came."""
        if self._judged >= self.patience:
            return None
        missing = [mode for mode in (Mode.TRAIN, Mode.EVAL) if mode not in self._seen]
        if missing:
            wanted = described(None, self.tensor_regex, "the collection losses")
            return (
                f"No loss of {wanted} was saved in mode {' and '.join(missing)}; training and validation losses are "
                f"compared. {save('losses', train_save_interval=1, eval_save_interval=1)}, and let the script call "
                "hook.set_mode."
            )
        return (
            f"Too few validation passes: {count(self.patience, 'pass')} from step {self.start_step} on with a TRAIN "
            f"loss saved before each are needed, {self._judged} came. Train for more --epochs, or save every loss: "
            f"{save('losses', train_save_interval=1, eval_save_interval=1)}."
        )

    def _judge(self, validated: Loss | None) -> Finding | None:
        """Compare a pass that is over with the training before it."""
        if validated is None:
            return None
        trained, self._trained = self._trained, None
        if trained is None or validated.step < self.start_step:
            return None
        self._judged += 1
        ratio = excess(validated.value, trained.value)
        self._running = self._running + 1 if ratio > self.ratio_threshold else 0
        if self._running < self.patience:
            return None
        times = "" if self.patience == 1 else f", for {self.patience} validation passes in a row"
        return Finding(
            step=validated.step,
            mode=validated.mode,
            mode_step=validated.mode_step,
            tensor=validated.tensor,
            value=ratio,
            threshold=self.ratio_threshold,
            what=f"{validated.tensor}: the mean validation loss {validated.value:.4g} at step {validated.step} is "
            f"{100 * ratio:.3g} % above the mean training loss {trained.value:.4g} before it; "
            f"{100 * self.ratio_threshold:.3g} % is the threshold{times}.",
            why=_WHY,
            advice=_ADVICE,
        )


def excess(validation: float, training: float) -> float:
    """By what share of the training loss the validation loss lies above it; infinite over a training loss of 0."""
    if training == 0:
        return math.copysign(math.inf, validation) if validation else 0.0
    return (validation - training) / abs(training)
