"""How tests of the rules ask for a verdict."""

from diagnostics.profile.profile import Profile, ProfilerEvaluation
from diagnostics.profile.rules.catalogue import evaluate


def judged(rule: str, profile: Profile, **parameters: object) -> ProfilerEvaluation:
    """The rule's evaluation, which did come to a verdict."""
    found = evaluate(rule, profile, {name: str(value) for name, value in parameters.items()})
    assert found.unjudged is None
    assert bool(found.triggered) == bool(found.finding)
    assert 0 <= found.weight <= 1
    return found


def fired(rule: str, profile: Profile, **parameters: object) -> str:
    """What the rule says of a profile for which it must fire."""
    found = judged(rule, profile, **parameters)
    assert found.finding is not None
    assert found.violations > 0
    assert found.weight > 0
    assert found.finding.why
    assert all(found.finding.advice)
    return found.finding.what


def quiet(rule: str, profile: Profile, **parameters: object) -> bool:
    """Whether the rule judged the profile and found nothing."""
    found = judged(rule, profile, **parameters)
    return (found.triggered, found.violations > 0 and found.finding is not None, found.weight) == (0, False, 0)


def unjudged(rule: str, profile: Profile, **parameters: object) -> str:
    """Why the rule comes to no verdict."""
    found = evaluate(rule, profile, {name: str(value) for name, value in parameters.items()})
    assert (found.triggered, found.finding, found.weight) == (0, None, 0)
    assert found.unjudged
    return found.unjudged
