"""Debugger rules over a job's saved steps, each read once, as they come."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from diagnostics.rules.finding import Finding


class RuleStatus(StrEnum):
    """SageMaker's RuleEvaluationStatus, as far as an evaluation brings it about by itself."""

    IN_PROGRESS = "InProgress"
    NO_ISSUES_FOUND = "NoIssuesFound"
    ISSUES_FOUND = "IssuesFound"
    ERROR = "Error"


@dataclass(frozen=True)
class RuleConfiguration:
    """A DebugRuleConfiguration: the rule called `rule`, under a name of the job's own."""

    name: str
    rule: str
    parameters: Mapping[str, str] = field(default_factory=dict)


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
