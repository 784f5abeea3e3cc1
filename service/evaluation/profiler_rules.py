"""A job's Profiler rules over its profile."""

from collections.abc import Sequence

from diagnostics.profile.profile import Profile, ProfilerEvaluation
from diagnostics.profile.rules.catalogue import BadProfilerParameter, UnknownProfilerRule, evaluate, evaluate_all
from diagnostics.profile.rules.report import PROFILER_REPORT
from diagnostics.rules.configuration import RuleConfiguration


def evaluated(profile: Profile, rules: Sequence[RuleConfiguration]) -> list[ProfilerEvaluation]:
    """Each rule once, findings first, the heaviest at the top.

    All that there are are judged, for verdicts cost nothing: with the parameters that ProfilerReport has for them, or a
    rule of the job's own has for itself.
    """
    found: dict[str, ProfilerEvaluation] = {}
    report = next((rule for rule in rules if rule.rule == PROFILER_REPORT), None)
    try:
        found = {one.rule: one for one in evaluate_all(profile, {} if report is None else report.parameters)}
    except BadProfilerParameter as error:
        found = {one.rule: one for one in evaluate_all(profile, {})}
        found[PROFILER_REPORT] = _unjudged(PROFILER_REPORT, str(error))
    for rule in rules:
        if rule.rule != PROFILER_REPORT:
            found[rule.rule] = _one(profile, rule)
    return sorted(found.values(), key=lambda one: (one.finding is None, -one.weight))


def _one(profile: Profile, rule: RuleConfiguration) -> ProfilerEvaluation:
    try:
        return evaluate(rule.rule, profile, rule.parameters)
    except (UnknownProfilerRule, BadProfilerParameter) as error:
        return _unjudged(rule.rule, str(error))


def _unjudged(rule: str, why: str) -> ProfilerEvaluation:
    return ProfilerEvaluation(
        rule=rule, triggered=0, violations=0, datapoints=0, details={}, parameters={}, unjudged=why
    )
