"""How far a job has got: what a checkpoint holds beside the tensors, and what it decides by."""

import math
from dataclasses import asdict, dataclass, field

import torch
from epochs import Totals

State = dict[str, torch.Tensor]


@dataclass(frozen=True)
class Epoch:
    """The figures of one finished epoch."""

    epoch: int
    train_loss: float
    train_accuracy: float
    validation_loss: float
    validation_accuracy: float
    lr: float
    images_per_second: float

    def line(self) -> str:
        """The line that the metric definitions read; its form is a contract (docs/architecture.md)."""
        return (
            f"epoch={self.epoch} train:loss={self.train_loss:.4f} train:accuracy={self.train_accuracy:.4f} "
            f"validation:loss={self.validation_loss:.4f} validation:accuracy={self.validation_accuracy:.4f} "
            f"lr={self.lr:.6g} images_per_second={self.images_per_second:.1f}"
        )


@dataclass
class Progress:
    """Finished epochs, the one under way (`totals`), and what was learned up to the best one by validation loss.

    `train_steps` and `evaluation_steps` are those of the finished epochs.
    """

    history: list[Epoch] = field(default_factory=list)
    totals: Totals = field(default_factory=Totals)
    best: Epoch | None = None
    best_state: State | None = None
    train_steps: int = 0
    evaluation_steps: int = 0

    @property
    def next_epoch(self) -> int:
        """The epoch under way, from 1."""
        return len(self.history) + 1

    @property
    def is_started(self) -> bool:
        """Whether there is anything that a checkpoint would keep."""
        return bool(self.history or self.totals.batches)

    @property
    def next_train_step(self) -> int:
        """How many training steps have been taken, the number of the next one."""
        return self.train_steps + self.totals.batches

    def finish_epoch(self, epoch: Epoch, state: State, *, evaluation_steps: int) -> None:
        """Add a finished epoch, judged in so many steps; `state` is copied when it is the best so far."""
        self.history.append(epoch)
        self.train_steps = self.next_train_step
        self.evaluation_steps += evaluation_steps
        self.totals = Totals()
        if math.isfinite(epoch.validation_loss) and (
            self.best is None or epoch.validation_loss < self.best.validation_loss
        ):
            self.best = epoch
            self.best_state = {name: tensor.detach().cpu().clone() for name, tensor in state.items()}

    def is_over(self, epochs: int, patience: int) -> str | None:
        """Why no further epoch is to be trained, None while one is."""
        if self.history and not math.isfinite(self.history[-1].train_loss + self.history[-1].validation_loss):
            return "the loss is no finite number any more"
        if self.best is not None and patience and len(self.history) - self.best.epoch >= patience:
            return f"validation:loss has not fallen for {patience} epochs"
        if len(self.history) >= epochs:
            return "all epochs are trained"
        return None

    def as_plain(self) -> dict[str, object]:
        """Dicts, lists, numbers and tensors only: what torch.load reads with weights_only."""
        return {
            "history": [asdict(epoch) for epoch in self.history],
            "totals": asdict(self.totals),
            "best": asdict(self.best) if self.best else None,
            "best_state": self.best_state,
            "train_steps": self.train_steps,
            "evaluation_steps": self.evaluation_steps,
        }


def progress_from_plain(plain: dict[str, object]) -> Progress:
    """The inverse of `as_plain`. Raises TypeError or KeyError on another layout."""
    history, totals, best, best_state = (plain[name] for name in ("history", "totals", "best", "best_state"))
    train_steps, evaluation_steps = plain["train_steps"], plain["evaluation_steps"]
    if not isinstance(train_steps, int) or not isinstance(evaluation_steps, int):
        raise TypeError("the numbers of steps are no whole numbers")
    if not isinstance(history, list) or not isinstance(totals, dict):
        raise TypeError("history and totals are not a list and a dict")
    return Progress(
        history=[Epoch(**epoch) for epoch in history],
        totals=Totals(**totals),
        best=Epoch(**best) if isinstance(best, dict) else None,
        best_state=best_state if isinstance(best_state, dict) else None,
        train_steps=train_steps,
        evaluation_steps=evaluation_steps,
    )
