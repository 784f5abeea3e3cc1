"""What a job's diagnosis comes to, in a line and a sentence or two."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from diagnostics.report import words
from diagnostics.report.findings import SUMMARIES, RankedFinding
from diagnostics.report.report import JobReport
from diagnostics.rules.evaluation import RuleStatus

Level = Literal["severe", "considerable", "minor", "good", "open", "unknown"]


@dataclass(frozen=True)
class Verdict:
    """`level` chooses the colour and the sign, `headline` says it, `sentences` say more."""

    level: Level
    headline: str
    sentences: tuple[str, ...]


def verdict(report: JobReport, findings: Sequence[RankedFinding]) -> Verdict:
    """Of the findings, and of what could be judged at all."""
    clean, unjudged, watching = _standing(report)
    more = []
    if clean and findings:
        more.append(f"{words.several(clean, 'other rule')} found nothing amiss.")
    if unjudged:
        more.append(f"{words.listed(unjudged)} could not judge; the tables of rules say why.")
    if watching:
        more.append(f"{words.listed(watching)} {'is' if len(watching) == 1 else 'are'} still watching.")
    so_far = " so far" if report.running else ""
    if findings:
        worst = findings[0]
        level: Level = "severe" if worst.weight >= 0.75 else "considerable" if worst.weight >= 0.4 else "minor"
        headline = f"{words.several(len(findings), 'finding')}{so_far}, first of all {words.clean(worst.name)}"
        return Verdict(level, headline, (worst.what, *more))
    if clean:
        return Verdict("good", f"Nothing amiss{so_far}: {words.several(clean, 'rule')} found no issue", tuple(more))
    if watching:
        return Verdict("open", "Nothing amiss so far", tuple(more))
    return Verdict("unknown", "Not judged", tuple(more) or (_why_not(report),))


def _standing(report: JobReport) -> tuple[int, list[str], list[str]]:
    """How many rules found nothing, and the names of those without a verdict and of those that watch still."""
    clean = sum(rule.status is RuleStatus.NO_ISSUES_FOUND for rule in report.debugger)
    unjudged = [rule.name for rule in report.debugger if rule.status is RuleStatus.ERROR]
    watching = [rule.name for rule in report.debugger if rule.status is RuleStatus.IN_PROGRESS]
    for evaluation in report.profiler:
        if evaluation.rule in SUMMARIES or evaluation.finding is not None:
            continue
        if evaluation.unjudged is not None:
            unjudged.append(evaluation.rule)
        else:
            clean += 1
    return clean, [words.clean(name) for name in unjudged], [words.clean(name) for name in watching]


def _why_not(report: JobReport) -> str:
    if report.running:
        return "The job has saved nothing yet that a rule could judge: look again in a minute."
    return "The job saved nothing that a rule could judge: give it a DebugHookConfig, a ProfilerConfig and rules."
