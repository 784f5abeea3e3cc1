"""Debugger rules over a job's saved steps, each read once, as they come."""

import time
from collections.abc import Callable, Sequence

from diagnostics.rules.configuration import RuleConfiguration
from diagnostics.rules.judge import Build, Judge
from diagnostics.rules.rule_evaluation import RuleEvaluation, RuleStatus
from diagnostics.tensors.collections import Collections
from diagnostics.tensors.stream import TensorStream

__all__ = ["Evaluation", "RuleConfiguration", "RuleEvaluation", "RuleStatus"]


class Evaluation:
    """The built-in rules of a job over its stream.

    `build(name, parameters)` makes a rule and raises ValueError for one that there is not, or not so: such a rule is an
    Error from the start. A rule that fails is an Error from there on; the others go on. Where the stream begins anew
    the rules do as well: what they say in the end is what they would have said of all files at once.
    """

    def __init__(self, configurations: Sequence[RuleConfiguration], stream: TensorStream, build: Build) -> None:
        self._configurations = configurations
        self._stream = stream
        self._build = build
        self._begin()

    def advance(self, seconds: float | None = None) -> bool:
        """Read on until nothing is new, or for so many seconds. Whether nothing is left that was there.

        One step at least is taken, however short the time.
        """
        deadline = None if seconds is None else time.monotonic() + seconds
        for step in self._stream.poll(self._chosen):
            self._begin_anew_with_the_stream()
            for judge in self._judges:
                judge.observe(step)
            if deadline is not None and time.monotonic() > deadline:
                return False
        self._begin_anew_with_the_stream()
        return True

    def idle(self, seconds: float) -> None:
        """The job runs, and has saved nothing for so many seconds."""
        for judge in self._judges:
            judge.idle(seconds)

    def conclude(self) -> None:
        """The job has ended: read the rest and give every rule its last word."""
        self._stream.end()
        self.advance()
        for judge in self._judges:
            judge.conclude(self._stream.unreadable)

    def evaluations(self) -> list[RuleEvaluation]:
        """How the rules stand, in the order of their configurations."""
        return [judge.evaluation for judge in self._judges]

    def _begin(self) -> None:
        self._judges = [Judge(configuration, self._build) for configuration in self._configurations]
        self._generation = self._stream.generation
        self._choices: dict[str, bool] = {}
        self._chosen_by: tuple[Collections | None, int] = (None, 0)
        self._selectors: list[Callable[[str], bool]] = []

    def _begin_anew_with_the_stream(self) -> None:
        if self._generation != self._stream.generation:
            self._begin()

    def _chosen(self, tensor: str) -> bool:
        """Whether one of the rules that go on wants the tensor. Each is asked once for each name."""
        collections = self._stream.collections
        active = sum(judge.active for judge in self._judges)
        if self._chosen_by[0] is not collections or self._chosen_by[1] != active:
            self._chosen_by = (collections, active)
            self._choices.clear()
            self._selectors = [judge.selects(collections) for judge in self._judges if judge.active]
        if tensor not in self._choices:
            self._choices[tensor] = any(selects(tensor) for selects in self._selectors)
        return self._choices[tensor]
