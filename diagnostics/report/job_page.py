"""profiler-report.html: what is known of a training job, on one page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

from diagnostics.instances import UnknownInstanceType, instance_type
from diagnostics.profile.profile import ProfilerEvaluation
from diagnostics.profile.sizing import Headroom, size
from diagnostics.report import words
from diagnostics.report.findings import SUMMARIES, ranked
from diagnostics.report.pages import page, page_plot
from diagnostics.report.plots import PLOTS
from diagnostics.report.report import JobReport
from diagnostics.report.verdict import verdict
from diagnostics.rules.evaluation import RuleStatus

READING: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "losses": (
            "Loss",
            "Both lines should fall. A validation loss (EVAL) that rises while the training loss (TRAIN) falls is"
            " overfitting. A dashed line is a step at which a rule fired, a cross a value that is no number.",
        ),
        "rules": (
            "Debugger rules over the steps",
            "A solid bar is how long a rule stood, a diamond where it fired and ended; a dotted bar is a rule that"
            " still watches or could not judge.",
        ),
        "metrics": (
            "Use of the machines",
            "CPU and memory are percentages of what the instance type has. What is low throughout is paid for and not"
            " used; what stays at its top is what the job waits for.",
        ),
        "cores": (
            "Use of each core",
            "One dark row among pale ones is a single thread that holds up the rest; pale stripes across all rows are"
            " times at which nothing was computed.",
        ),
        "steps": (
            "Time of the steps",
            "p95: 95 of 100 steps were faster. A long tail to the right is single slow steps. Waiting for data is time"
            " before a step in which its batch was not there.",
        ),
    }
)
_STATISTICS = ("max", "p99", "p95", "p50", "min")
_WORD: Mapping[str, str] = MappingProxyType(
    {
        "IssuesFound": "issue found",
        "NoIssuesFound": "no issue",
        "InProgress": "still watching",
        "Error": "could not judge",
    }
)


@dataclass(frozen=True)
class RuleRow:
    """A line of a rule table; `status` is SageMaker's, `word` the same in plain words."""

    name: str
    rule: str
    status: str
    details: str
    step: str = ""

    @property
    def word(self) -> str:
        return _WORD[self.status]


@dataclass(frozen=True)
class UsageRow:
    """A line of the table of system usage: figures as written, in the order max, p99, p95, p50, min."""

    resource: str
    node: str
    figures: tuple[str, ...]


def job_page(report: JobReport) -> str:
    """The whole page. The same report gives the same text; raises nothing for parts that are missing."""
    findings = ranked(report)
    said = verdict(report, findings)
    sizing = _sizing(report)
    values = {
        "report": report,
        "facts": _facts(report),
        "verdict": said,
        "findings": findings,
        "debugger": [_debugger_row(report, index) for index in range(len(report.debugger))],
        "profiler": [_profiler_row(one) for one in report.profiler if one.rule not in SUMMARIES],
        "usage": usage_rows(report.profiler),
        "statistics": _STATISTICS,
        "sizing": "" if sizing in said.sentences else sizing,
        "parameters": [one for one in report.profiler if one.parameters],
        "plots": [page_plot(name, *READING[name], partial(draw, report)) for name, draw in PLOTS.items()],
    }
    return page("job.html", values)


def _facts(report: JobReport) -> Sequence[tuple[str, str]]:
    """What stands under the job's name."""
    job = report.job
    facts = [("Status", job.status), ("Instances", f"{job.instance_count} × {job.instance_type}")]
    if job.started_at is not None:
        facts.append(("Started", words.moment(job.started_at)))
    if job.ended_at is not None:
        facts.append(("Ended", words.moment(job.ended_at)))
        if job.started_at is not None:
            facts.append(("Ran", words.duration(job.ended_at - job.started_at)))
    elif known := [
        part
        for part in (
            None if report.last_sample is None else words.moment(report.last_sample),
            None if report.last_step is None else f"step {report.last_step}",
        )
        if part is not None
    ]:
        facts.append(("As of", ", ".join(known)))
    return facts


def _debugger_row(report: JobReport, index: int) -> RuleRow:
    rule = report.debugger[index]
    found = rule.finding
    details = rule.details or {
        RuleStatus.IN_PROGRESS: "Its condition has not been met so far.",
        RuleStatus.NO_ISSUES_FOUND: "Its condition was never met.",
        RuleStatus.ISSUES_FOUND: "Its condition was met.",
        RuleStatus.ERROR: "It gave no reason.",
    }.get(rule.status, "")
    return RuleRow(
        name=rule.name,
        rule=rule.rule,
        status=rule.status.value,
        details=details if found is None else found.what,
        step="" if found is None else str(found.step),
    )


def _profiler_row(one: ProfilerEvaluation) -> RuleRow:
    counted = f"{one.violations} of {words.several(one.datapoints, 'data point')} met its condition."
    if one.finding is not None:
        return RuleRow(one.rule, one.rule, "IssuesFound", one.finding.what)
    if one.unjudged is not None:
        return RuleRow(one.rule, one.rule, "Error", one.unjudged)
    return RuleRow(one.rule, one.rule, "NoIssuesFound", counted)


def usage_rows(profiler: Sequence[ProfilerEvaluation]) -> Sequence[UsageRow]:
    """OverallSystemUsage as a table; resources without samples are left out."""
    rows = []
    for one in profiler:
        if one.rule != "OverallSystemUsage":
            continue
        for resource, nodes in one.details.items():
            if not isinstance(nodes, Mapping):
                continue
            for node in sorted(nodes, key=words.natural):
                figures = nodes[node]
                if isinstance(figures, Mapping) and any(figures.get(name) is not None for name in _STATISTICS):
                    written = tuple(_figure(resource, figures.get(name)) for name in _STATISTICS)
                    rows.append(UsageRow(resource, node, written))
    return rows


def _figure(resource: str, value: object) -> str:
    if not isinstance(value, int | float):
        return "–"
    return words.rate(value) if resource == "Network" else f"{value:.2f} %"


def _sizing(report: JobReport) -> str:
    """Which instance type would have done; empty where nothing is known."""
    for one in report.profiler:
        if one.rule == "RightSizing":
            return str(one.details.get("sentence", ""))
    if report.profile is None:
        return ""
    try:
        found = size(report.profile, instance_type(report.job.instance_type), Headroom())
    except UnknownInstanceType as unknown:
        return f"No word on the size of the instance: {unknown}."
    return "" if found is None else found.sentence
