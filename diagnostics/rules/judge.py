"""One rule of a job, from its configuration to its last word."""

import logging
from collections.abc import Callable, Mapping

from diagnostics.rules.configuration import RuleConfiguration
from diagnostics.rules.finding import Finding
from diagnostics.rules.rule import Rule
from diagnostics.rules.rule_evaluation import RuleEvaluation, RuleStatus, details_of, short
from diagnostics.tensors.collections import Collections
from diagnostics.tensors.history import Unreadable
from diagnostics.tensors.saved_step import SavedStep

logger = logging.getLogger(__name__)

Build = Callable[[str, Mapping[str, str]], Rule]


class Judge:
    """A rule and how it stands."""

    def __init__(self, configuration: RuleConfiguration, build: Build) -> None:
        self._configuration = configuration
        self._rule: Rule | None = None
        self._newest: int | None = None
        self.evaluation = RuleEvaluation(configuration.name, configuration.rule, RuleStatus.IN_PROGRESS)
        try:
            self._rule = build(configuration.rule, configuration.parameters)
        except ValueError as error:
            self._ends(RuleStatus.ERROR, str(error))

    @property
    def active(self) -> bool:
        """Whether it has not said its last word."""
        return self._rule is not None

    def selects(self, collections: Collections) -> Callable[[str], bool]:
        """The tensors that the rule wants; none from one that fails at that."""
        found: list[Callable[[str], bool]] = []
        self._try(lambda rule: found.append(rule.selects(collections)))
        return found[0] if found else lambda _: False

    def observe(self, step: SavedStep) -> None:
        """Take one more step."""
        self._newest = step.step
        self._try(lambda rule: rule.observe(step))

    def idle(self, seconds: float) -> None:
        """See Rule.idle."""
        self._try(lambda rule: rule.idle(seconds))

    def conclude(self, unreadable: Unreadable) -> None:
        """Nothing more will come."""
        self._try(lambda rule: rule.ended())
        self._try(lambda rule: self._last_word(rule.unjudged(), unreadable))

    def _last_word(self, unjudged: str | None, unreadable: Unreadable) -> None:
        left_out = (
            f"{unreadable.count} could not be read and were left out: {unreadable.first[0]}" if unreadable.count else ""
        )
        if unjudged is None:
            summary = self._rule.summary() if self._rule is not None else ""
            words = [summary, f"Of the saved tensors {left_out}" if left_out else ""]
            self._ends(RuleStatus.NO_ISSUES_FOUND, " ".join(filter(None, words)))
        else:
            self._ends(RuleStatus.ERROR, f"{self._configuration.rule} could not be evaluated. {unjudged}")

    def _try(self, ask: Callable[[Rule], Finding | None]) -> None:
        """Ask the rule, if it goes on; what it finds, and how it fails, is the end of it."""
        if self._rule is None:
            return
        try:
            finding = ask(self._rule)
        except Exception as error:  # the other rules go on, and this one says what happened
            logger.exception("the rule %s failed", self._configuration.rule)
            self._ends(RuleStatus.ERROR, self._failed(error))
            return
        if finding is not None:
            self._ends(RuleStatus.ISSUES_FOUND, details_of(self._configuration.rule, finding), finding)

    def _failed(self, error: Exception) -> str:
        where = "before the first step" if self._newest is None else f"at step {self._newest}"
        return (
            f"The rule {self._configuration.rule} failed {where}: {type(error).__name__}: {error}. This is a defect of "
            "the rule; the other rules were evaluated."
        )

    def _ends(self, status: RuleStatus, details: str, finding: Finding | None = None) -> None:
        self._rule = None
        name, rule = self._configuration.name, self._configuration.rule
        self.evaluation = RuleEvaluation(name, rule, status, short(details), finding)
