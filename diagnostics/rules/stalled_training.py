"""StalledTrainingRule: a job that runs and gets no further."""

from collections.abc import Callable
from dataclasses import dataclass, field

from diagnostics.rules.finding import Finding
from diagnostics.rules.parameters import at_least
from diagnostics.rules.rule import Rule
from diagnostics.tensors.collections import Collections
from diagnostics.tensors.saved_step import Mode, SavedStep

_WHY = "The instance costs the same whether it trains or waits."
_ADVICE = (
    "Read the job's log: a data loader that waits (--num-workers), a download, or a host that others wait for.",
    "Save more often if steps do take that long: DebugHookConfig.CollectionConfigurations, save_interval.",
    "Raise the rule parameter threshold above the longest pause that is in order, such as a long validation.",
)


@dataclass
class StalledTrainingRule(Rule):
    """Fires where the job has saved no tensor for `threshold` seconds; the finding's value are the seconds.

    With `stop_training_on_fire` the job is stopped then, where its name begins with `training_job_name_prefix`
    (configuration.py reads both).
    The rule reads no tensor, but has to be shown every step.
    """

    threshold: float = 1800.0
    stop_training_on_fire: bool = False
    training_job_name_prefix: str | None = None
    _last: tuple[int, Mode, int] | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        at_least(1, threshold=self.threshold)

    def selects(self, collections: Collections) -> Callable[[str], bool]:  # noqa: ARG002 - the same for all
        """None: that a step was saved is enough."""
        return lambda _: False

    def observe(self, step: SavedStep) -> Finding | None:
        """Remember how far the job has come."""
        self._last = (step.step, step.mode, step.mode_step)
        return None

    def idle(self, seconds: float) -> Finding | None:
        """Judge how long nothing was saved."""
        if seconds < self.threshold:
            return None
        step, mode, mode_step = self._last or (0, Mode.GLOBAL, 0)
        since = "since the job began" if self._last is None else f"since step {step} of mode {mode}"
        return Finding(
            step=step,
            mode=mode,
            mode_step=mode_step,
            tensor="",
            value=seconds,
            threshold=self.threshold,
            what=f"No tensor was saved for {seconds:.0f} s {since}; the threshold is {self.threshold:.0f} s.",
            why=_WHY,
            advice=_ADVICE,
        )

    def unjudged(self) -> str | None:
        """A job that goes on, and one that ends, is judged."""
        return None
