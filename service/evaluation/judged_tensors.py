"""A training job's saved tensors and the rules over them: what was read is kept, and the next request goes on there."""

import time
from collections.abc import Mapping, Sequence
from time import time as now
from typing import Any

from diagnostics.rules.catalogue import build_rule
from diagnostics.rules.configuration import RuleConfiguration
from diagnostics.rules.evaluation import Evaluation, RuleEvaluation
from diagnostics.tensors.index import FOLDER, index_file
from diagnostics.tensors.saved_step import Mode
from diagnostics.tensors.series import evenly, figures
from diagnostics.tensors.stream import END_OF_JOB, TensorStream
from service.aws.object_source import ObjectSource

AFTER_ALL_WORKERS = "~"  # sorts after every worker's name
KEPT_SERIES = 64

Points = Mapping[int, float]


class JudgedTensors:
    """One debug-output and its rules. For one thread. Reading raises AWS's Problems, and this is then void."""

    def __init__(self, source: ObjectSource, rules: Sequence[RuleConfiguration]) -> None:
        self._source = source
        self._rules = rules
        self._concluded_at: tuple[object, ...] | None = None  # what _stamp said then
        self._begin()

    def advance(self, seconds: float, *, over: bool) -> bool:
        """Evaluate the rules for so many seconds; `over`: the job has ended. Whether all that is saved is evaluated."""
        if self._concluded_at is not None:
            if self._concluded_at == self._stamp():
                return True
            self._begin()
        if over:
            self.stream.end()
        done = self._evaluation.advance(seconds)
        if done and over and self.stream.steps_saved:
            self._evaluation.conclude()
            self._concluded_at = self._stamp()
        elif done and not over:
            self._evaluation.idle(self._idle_seconds())
        self._source.check()
        return done

    def rules(self) -> list[RuleEvaluation]:
        """How the rules stand."""
        return self._evaluation.evaluations()

    def progress(self, *, done: bool, over: bool) -> dict[str, Any]:
        """How far the evaluation is, as service.schemas.evaluation tells it."""
        standing = "Completed" if over else "UpToDate"
        return {
            "state": standing if done else "InProgress",
            "steps_evaluated": self.stream.steps_seen,
            "steps_saved": self.stream.steps_saved,
            "last_step": self.stream.latest_step,
        }

    def notes(self) -> list[str]:
        """What could not be read."""
        unreadable = self.stream.unreadable
        if not unreadable.count:
            return []
        return [f"{unreadable.count} tensors or steps could not be read and were left out.", *unreadable.first]

    def series(self, tensor: str, figure: str, max_points: int, seconds: float) -> tuple[dict[Mode, Points], bool]:
        """A tensor's figure by mode and step, and whether all of it was read in the time."""
        deadline = time.monotonic() + seconds
        found: dict[Mode, Points] = {}
        for mode in Mode:
            saved = self.stream.saved().get((tensor, mode))
            if saved is None:
                continue
            wanted, known = evenly(saved, max_points), self._known(tensor, mode, figure)
            if figure == "mean" and (loss := self.stream.whole_loss(tensor, mode)) is not None:
                known.update(zip(loss.steps, loss.values, strict=True))
            unknown = [step for step in wanted if step not in known]
            for step, value in figures(self.stream, tensor, figure, unknown):
                known[step] = value
                if time.monotonic() > deadline:
                    break
            self._source.check()
            found[mode] = {step: known[step] for step in wanted if step in known}
        return found, time.monotonic() <= deadline

    def _begin(self) -> None:
        self.stream = TensorStream([self._source])
        self._evaluation = Evaluation(self._rules, self.stream, build_rule)
        self._values: dict[tuple[str, Mode, str], dict[int, float]] = {}
        self._concluded_at = None

    def _known(self, tensor: str, mode: Mode, figure: str) -> dict[int, float]:
        key = (tensor, mode, figure)
        known = self._values.pop(key, {})
        self._values[key] = known  # the newest last
        if len(self._values) > KEPT_SERIES:
            del self._values[next(iter(self._values))]
        return known

    def _stamp(self) -> tuple[object, ...]:
        """Another one where files came or were written again since the job's end."""
        newest = self.stream.latest_step
        later = self._source.names(FOLDER, "" if newest is None else index_file(newest, AFTER_ALL_WORKERS))
        return self._source.version(END_OF_JOB), len(later)

    def _idle_seconds(self) -> float:
        """How long the job has saved nothing; 0 before the first step."""
        newest = self.stream.latest_step
        if newest is None:
            return 0.0
        files = self._source.names(index_file(newest, "").removesuffix(".json"))
        times = [moment for name in files if (moment := self._source.modified_at(name)) is not None]
        return max(0.0, now() - max(times)) if times else 0.0
