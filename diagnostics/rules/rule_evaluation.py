"""How a rule stands, in SageMaker's words."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from diagnostics.rules.finding import Finding

MOST_DETAILS = 1024  # characters of SageMaker's StatusDetails


class RuleStatus(StrEnum):
    """SageMaker's RuleEvaluationStatus, as far as an evaluation brings it about by itself."""

    IN_PROGRESS = "InProgress"
    NO_ISSUES_FOUND = "NoIssuesFound"
    ISSUES_FOUND = "IssuesFound"
    ERROR = "Error"


@dataclass(frozen=True)
class RuleEvaluation:
    """How a rule stands. `details` is SageMaker's StatusDetails: a full sentence, also for ERROR."""

    name: str
    rule: str
    status: RuleStatus
    details: str = ""
    finding: Finding | None = None

    def as_json(self) -> dict[str, Any]:
        """Plain JSON."""
        found = None if self.finding is None else self.finding.as_json()
        return {
            "name": self.name,
            "rule": self.rule,
            "status": self.status.value,
            "details": self.details,
            "finding": found,
        }


def details_of(rule: str, finding: Finding) -> str:
    """AWS's sentence, then what, why and what to change: as much of it as StatusDetails takes."""
    return condition_met(rule, finding.step, (finding.what, finding.why, *finding.advice))


def condition_met(rule: str, step: int, sentences: Iterable[str]) -> str:
    """StatusDetails of a rule that fired: AWS's own sentence, and as many more as fit; the first of
    them cut off where it does not.
    """
    details = (
        f"RuleEvaluationConditionMet: Evaluation of the rule {rule} at step {step} resulted in the condition being met."
    )
    for number, sentence in enumerate(sentences):
        longer = f"{details} {sentence}"
        if number and len(longer) > MOST_DETAILS:
            break
        details = longer
    return short(details)


def short(text: str) -> str:
    """One line, of at most as many characters as StatusDetails takes."""
    line = " ".join(text.split())
    return line if len(line) <= MOST_DETAILS else f"{line[: MOST_DETAILS - 3]}..."
