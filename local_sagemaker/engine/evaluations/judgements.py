"""What an evaluator's statuses.json says."""

from collections.abc import Mapping, Sequence
from typing import Any

from local_sagemaker.store.rule_evaluations import Judgement, Kind

KINDS: Mapping[str, Kind] = {"debug": "Debug", "profiler": "Profiler"}

Statuses = Mapping[str, Sequence[Mapping[str, Any]]]


def judgements(statuses: Statuses) -> list[Judgement]:
    """How each rule stands."""
    return [
        Judgement(kind, rule["name"], rule["status"], rule["details"], rule["modified_at"])
        for member, kind in KINDS.items()
        for rule in statuses[member]
    ]


def stopping_rules(statuses: Statuses) -> list[str]:
    """The Debugger rules that were met and whose action is to stop the job."""
    return [rule["name"] for rule in statuses["debug"] if rule.get("stop_training")]
