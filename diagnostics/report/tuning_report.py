"""What the page of a tuning job is made of."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

Scaling = Literal["Auto", "Linear", "Logarithmic", "ReverseLogarithmic", "Categorical"]
ObjectiveType = Literal["Minimize", "Maximize"]
LIVE = frozenset({"InProgress", "Stopping"})  # the statuses of what has not ended yet


@dataclass(frozen=True)
class Range:
    """What a hyperparameter may be: SageMaker's ScalingType, and for numbers the bounds where they are known."""

    scaling: Scaling
    minimum: float | None = None
    maximum: float | None = None


@dataclass(frozen=True)
class Trial:
    """A training job of the tuning job, with SageMaker's TrainingJobStatus. `number` counts from 1.

    `objective` None: there is no figure (yet). Times are epoch seconds; `ended_at` None: not yet. `early_stopped`: the
    tuning job ended it because others did better at that point.
    """

    name: str
    number: int
    status: str
    hyperparameters: Mapping[str, str] = field(default_factory=dict)
    objective: float | None = None
    started_at: float | None = None
    ended_at: float | None = None
    early_stopped: bool = False

    @property
    def judged(self) -> bool:
        """Whether there is a finite objective to compare with others."""
        return self.objective is not None and math.isfinite(self.objective)


@dataclass(frozen=True)
class TuningReport:
    """A tuning job as it stands. `ranges` are those of the hyperparameters that are tuned, by name."""

    name: str
    objective_name: str
    objective_type: ObjectiveType
    strategy: str
    status: str
    trials: Sequence[Trial] = ()
    ranges: Mapping[str, Range] = field(default_factory=dict)

    @property
    def running(self) -> bool:
        """Whether more is to come."""
        return self.status in LIVE

    @property
    def judged(self) -> Sequence[Trial]:
        """The trials with a finite objective, by number."""
        return sorted((trial for trial in self.trials if trial.judged), key=lambda trial: trial.number)

    @property
    def best(self) -> Trial | None:
        """The trial with the best objective, the first of several; one stopped early only when no other has any."""
        candidates = [trial for trial in self.judged if not trial.early_stopped] or list(self.judged)
        sign = 1 if self.objective_type == "Minimize" else -1
        return min(candidates, key=lambda trial: (sign * (trial.objective or 0.0), trial.number), default=None)
