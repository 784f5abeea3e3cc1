"""ProfilerReport: all rules as one."""

from collections.abc import Mapping, Sequence

from diagnostics.profile.profile import ProfilerEvaluation, ProfilerFinding

PROFILER_REPORT = "ProfilerReport"


def summarised(evaluations: Sequence[ProfilerEvaluation], parameters: Mapping[str, str]) -> ProfilerEvaluation:
    """One evaluation of them all: it fired when any of them did, and says which, the heaviest first.

    It could not judge when none of them could. Its weight is the highest.
    """
    fired = sorted((one for one in evaluations if one.finding), key=lambda one: -one.weight)
    reasons = list(dict.fromkeys(one.unjudged for one in evaluations if one.unjudged))
    return ProfilerEvaluation(
        rule=PROFILER_REPORT,
        triggered=len(fired),
        violations=sum(one.violations for one in fired),
        datapoints=max((one.datapoints for one in evaluations), default=0),
        details={
            one.rule: {"RuleTriggered": one.triggered, "Violations": one.violations, "Datapoints": one.datapoints}
            | ({"unjudged": one.unjudged} if one.unjudged else {})
            for one in evaluations
        },
        parameters=parameters,
        finding=_finding(fired) if fired else None,
        unjudged=" ".join(reasons) if len(evaluations) == sum(bool(one.unjudged) for one in evaluations) else None,
        weight=max((one.weight for one in fired), default=0.0),
    )


def _finding(fired: Sequence[ProfilerEvaluation]) -> ProfilerFinding:
    findings = [(one.rule, one.finding) for one in fired if one.finding]
    return ProfilerFinding(
        what=" ".join(f"{rule}: {finding.what}" for rule, finding in findings),
        why=findings[0][1].why,
        advice=tuple(dict.fromkeys(advice for _, finding in findings for advice in finding.advice[:1])),
    )
