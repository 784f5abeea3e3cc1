"""Overtraining: training goes on though nothing improves any more."""

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

_WHY = "Steps that improve nothing cost time and money, and the longer they go on the more the network overfits."
_ADVICE = (
    "Stop earlier: set --patience, or fewer --epochs; the best epoch's weights are what is kept.",
    "Lower the learning rate late in training (--scheduler cosine or step): a smaller step may still improve.",
    "Raise --augment, --dropout or --weight-decay when it is the validation loss that stands still.",
)


@dataclass
class _Best:
    """The best loss so far, and how many have come since that were not better by delta."""

    loss: Loss | None = None
    waited: int = 0
    seen: int = 0

    def add(self, loss: Loss, delta: float) -> Loss:
        """Take one more; the best of all."""
        self.seen += 1
        if self.loss is None or math.isnan(self.loss.value) or self.loss.value - loss.value >= delta:
            self.loss, self.waited = loss, 0
        else:
            self.waited += 1
        return self.loss


@dataclass
class Overtraining(Rule):
    """Fires where the training loss has not improved by `delta` for `patience_train` points, or the validation loss
    for `patience_validation`.

    A point is a pass: the mean of the EVAL losses of one validation, and the mean of the TRAIN losses between two
    validations, each counted at its last saved step; one batch's loss would hardly ever improve on the best of all.
    Only in a job that saves no EVAL loss is every saved TRAIN loss a point, and as one may still come, such a finding
    is told at the end of the job.
    """

    tensor_regex: Sequence[str] | None = None
    patience_train: int = 5
    patience_validation: int = 10
    delta: float = 0.01
    _training: Passes = field(default_factory=Passes, init=False, repr=False)
    _validation: Passes = field(default_factory=Passes, init=False, repr=False)
    _best: dict[Mode, _Best] = field(default_factory=lambda: {Mode.TRAIN: _Best(), Mode.EVAL: _Best()}, init=False)
    _best_batch: _Best = field(default_factory=_Best, init=False, repr=False)
    _waiting: Finding | None = field(default=None, init=False, repr=False)
    _validated: bool = field(default=False, init=False, repr=False)

    def __post_init__(self) -> None:
        at_least(1, patience_train=self.patience_train, patience_validation=self.patience_validation)
        at_least(0, delta=self.delta)
        regexes(tensor_regex=self.tensor_regex)

    def selects(self, collections: Collections) -> Callable[[str], bool]:
        """Those of tensor_regex, or the collection losses."""
        return selection(collections, None, self.tensor_regex, lambda name: collections.holds("losses", name))

    def observe(self, step: SavedStep) -> Finding | None:
        """Add the step's loss to its pass; judge the pass that ended before it."""
        if step.mode not in (Mode.TRAIN, Mode.EVAL):
            return None
        loss = loss_at(step, self.selects(step.collections))
        if loss is None:
            return None
        if step.mode is Mode.TRAIN:
            found = self._judge(self._validation.end(), self.patience_validation)
            return found or self._judge_train(loss)
        self._validated, self._waiting = True, None
        found = self._judge(self._validation.add(loss), self.patience_validation)
        return found or self._judge(self._training.end(), self.patience_train)

    def ended(self) -> Finding | None:
        """Judge the last validation pass; without any, tell what single training losses said."""
        return self._judge(self._validation.end(), self.patience_validation) or self._waiting

    def unjudged(self) -> str | None:
        """No loss was saved, or too few."""
        training = self._best[Mode.TRAIN] if self._validated else self._best_batch
        validation = self._best[Mode.EVAL]
        if training.seen > self.patience_train or validation.seen > self.patience_validation:
            return None
        if not training.seen and not validation.seen:
            wanted = described(None, self.tensor_regex, "the collection losses")
            return (
                f"No loss of {wanted} was saved in mode TRAIN or EVAL. "
                f"{save('losses', train_save_interval=1, eval_save_interval=1)}, and let the script call hook.set_mode."
            )
        unit = "epoch" if self._validated else "saved step"
        return (
            f"Too few points: {count(self.patience_train + 1, unit)} of training losses are needed and {training.seen} "
            f"came, or {self.patience_validation + 1} validation passes and {validation.seen} came. Train for more "
            "--epochs, or lower the parameters patience_train and patience_validation."
        )

    def _judge_train(self, loss: Loss) -> Finding | None:
        """A pass of training that no saved validation followed ends with this step, or one more batch came."""
        if self._validated:
            return self._judge(self._training.add(loss), self.patience_train)
        self._training.add(loss)
        best = self._best_batch.add(loss, self.delta)
        if self._best_batch.waited >= self.patience_train:
            self._waiting = self._waiting or self._finding(best, loss, self.patience_train, "saved losses")
        return None

    def _judge(self, loss: Loss | None, patience: int) -> Finding | None:
        if loss is None:
            return None
        of_mode = self._best[loss.mode]
        best = of_mode.add(loss, self.delta)
        kind = "validation passes" if loss.mode is Mode.EVAL else "epochs of training"
        return self._finding(best, loss, patience, kind) if of_mode.waited >= patience else None

    def _finding(self, best: Loss, loss: Loss, patience: int, unit: str) -> Finding:
        return Finding(
            step=loss.step,
            mode=loss.mode,
            mode_step=loss.mode_step,
            tensor=loss.tensor,
            value=loss.value,
            threshold=best.value - self.delta,
            what=f"{loss.tensor}: for {patience} {unit}, up to step {loss.step}, the {loss.mode} loss has not come "
            f"{self.delta:g} below its best, {best.value:.4g} at step {best.step}; it is {loss.value:.4g}.",
            why=_WHY,
            advice=_ADVICE,
        )
