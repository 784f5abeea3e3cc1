"""All Profiler rules by name, and their evaluation from AWS's parameters."""

import difflib
import inspect
from collections.abc import Iterable, Mapping
from dataclasses import fields
from types import MappingProxyType
from typing import Any, get_type_hints

from diagnostics.profile.profile import Profile, ProfilerEvaluation
from diagnostics.profile.rules.batch_size import BatchSize
from diagnostics.profile.rules.cpu_bottleneck import CPUBottleneck
from diagnostics.profile.rules.cpu_utilization import CPUUtilization
from diagnostics.profile.rules.data_loader_starvation import DataLoaderStarvation
from diagnostics.profile.rules.dataloader import Dataloader
from diagnostics.profile.rules.gpu_memory_increase import GPUMemoryIncrease
from diagnostics.profile.rules.idle_gpu import IdleGPU
from diagnostics.profile.rules.io_bottleneck import IOBottleneck
from diagnostics.profile.rules.load_balancing import LoadBalancing
from diagnostics.profile.rules.low_gpu_utilization import LowGPUUtilization
from diagnostics.profile.rules.max_initialization_time import MaxInitializationTime
from diagnostics.profile.rules.memory_utilization import MemoryUtilization
from diagnostics.profile.rules.overall_framework_metrics import OverallFrameworkMetrics
from diagnostics.profile.rules.overall_system_usage import OverallSystemUsage
from diagnostics.profile.rules.report import PROFILER_REPORT, summarised
from diagnostics.profile.rules.right_sizing import RightSizing
from diagnostics.profile.rules.rule import ProfilerRule
from diagnostics.profile.rules.step_outlier import StepOutlier
from diagnostics.rules.parameters import NotOfType, ParameterOutOfRange, read_as

_RULES: tuple[type[ProfilerRule], ...] = (
    # SageMaker's
    BatchSize,
    CPUBottleneck,
    Dataloader,
    GPUMemoryIncrease,
    IOBottleneck,
    LoadBalancing,
    LowGPUUtilization,
    MaxInitializationTime,
    OverallFrameworkMetrics,
    OverallSystemUsage,
    StepOutlier,
    # ours
    CPUUtilization,
    DataLoaderStarvation,
    IdleGPU,
    MemoryUtilization,
    RightSizing,
)
PROFILER_RULES: Mapping[str, type[ProfilerRule]] = MappingProxyType({rule.__name__: rule for rule in _RULES})

# SageMaker's SDK puts the rule's own name among its parameters.
_NO_PARAMETERS = frozenset({"rule_to_invoke"})
_REPORT_PARAMETERS = ("scan_interval_us",)


class UnknownProfilerRule(ValueError):
    """No such rule; the message lists those that there are."""


class BadProfilerParameter(ValueError):
    """A parameter that the rule does not have, or a value that it does not allow; the message says what it does."""


def evaluate(name: str, profile: Profile, parameters: Mapping[str, str]) -> ProfilerEvaluation:
    """What the rule called `name`, ProfilerReport among them, makes of the profile.

    Raises UnknownProfilerRule and BadProfilerParameter.
    """
    if name == PROFILER_REPORT:
        return summarised(evaluate_all(profile, parameters), _given(parameters))
    return _evaluated(configured(name, parameters), profile)


def evaluate_all(profile: Profile, parameters: Mapping[str, str]) -> list[ProfilerEvaluation]:
    """What ProfilerReport's `parameters` (<Rule>_<parameter>, in any case) let each rule make of the profile.

    Findings first, the heaviest at the top. Raises BadProfilerParameter.
    """
    by_rule = report_parameters(parameters)
    evaluations = [_evaluated(configured(name, by_rule.get(name, {})), profile) for name in PROFILER_RULES]
    return sorted(evaluations, key=lambda one: (one.finding is None, -one.weight))


def check(name: str, parameters: Mapping[str, str]) -> None:
    """Raise UnknownProfilerRule or BadProfilerParameter where `evaluate` would."""
    if name != PROFILER_REPORT:
        configured(name, parameters)
        return
    for rule, own in report_parameters(parameters).items():
        configured(rule, own)


def configured(name: str, parameters: Mapping[str, str]) -> ProfilerRule:
    """The rule with its parameters, read by the types of its fields. Raises as `evaluate` does."""
    rule = PROFILER_RULES.get(name)
    if rule is None:
        raise UnknownProfilerRule(
            f"{name!r} is no Profiler rule{_near(name, PROFILER_RULES)}; there are "
            f"{', '.join((*PROFILER_RULES, PROFILER_REPORT))}"
        )
    allowed, values = get_type_hints(rule), {}
    for parameter, text in _given(parameters).items():
        if parameter not in _parameters(rule):
            raise BadProfilerParameter(
                f"{name} has no parameter {parameter!r}{_near(parameter, _parameters(rule))}; it has "
                f"{', '.join(_parameters(rule))}"
            )
        try:
            values[parameter] = read_as(allowed[parameter], str(text))
        except NotOfType as reason:
            raise BadProfilerParameter(f"{name}: {parameter} is {text!r}; allowed: {reason}") from reason
    try:
        return rule(**values)
    except ParameterOutOfRange as reason:
        raise BadProfilerParameter(f"{name}: {reason}") from reason


def report_parameters(parameters: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """ProfilerReport's parameters by rule. Raises BadProfilerParameter."""
    names = {name.lower(): name for name in PROFILER_RULES}
    found: dict[str, dict[str, str]] = {}
    for key, value in _given(parameters).items():
        if key in _REPORT_PARAMETERS:
            _check_scan_interval(value)
            continue
        rule, _, parameter = key.partition("_")
        if rule.lower() not in names or not parameter:
            raise BadProfilerParameter(
                f"{PROFILER_REPORT} has no parameter {key!r}: they are named <Rule>_<parameter>, as in "
                f"CPUBottleneck_cpu_threshold, or scan_interval_us; the rules are {', '.join(PROFILER_RULES)}"
            )
        found.setdefault(names[rule.lower()], {})[parameter.lower()] = value
    return found


def _check_scan_interval(value: str) -> None:
    try:
        OverallSystemUsage(scan_interval_us=read_as(int, str(value)))
    except (NotOfType, ParameterOutOfRange) as reason:
        raise BadProfilerParameter(f"{PROFILER_REPORT}: scan_interval_us is {value!r}; {reason}") from reason


def _evaluated(rule: ProfilerRule, profile: Profile) -> ProfilerEvaluation:
    verdict = rule.judge(profile)
    return ProfilerEvaluation(
        rule=type(rule).__name__,
        triggered=verdict.triggered,
        violations=verdict.violations,
        datapoints=verdict.datapoints,
        details=verdict.details,
        parameters={name: _text(getattr(rule, name)) for name in _parameters(type(rule))},
        finding=verdict.finding,
        unjudged=verdict.unjudged,
        weight=round(min(1.0, max(0.0, verdict.weight)), 4),
    )


def _parameters(rule: type[ProfilerRule]) -> list[str]:
    """Names, the rule's own first."""
    own = inspect.get_annotations(rule)
    return sorted((field.name for field in fields(rule)), key=lambda name: name not in own)


def _given(parameters: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in parameters.items() if name not in _NO_PARAMETERS}


def _text(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _near(name: str, names: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(names), n=1)
    return f" (did you mean {near[0]}?)" if near else ""
