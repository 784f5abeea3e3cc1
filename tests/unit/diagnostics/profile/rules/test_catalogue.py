"""All rules together: parameters, the report, and that nothing makes any of them fall over."""

import importlib
import json
import math
import warnings
from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnostics.job import JobFacts
from diagnostics.profile.profile import NodeProfile, Profile, Series, Spans, Steps
from diagnostics.profile.rules.catalogue import (
    PROFILER_RULES,
    BadProfilerParameter,
    UnknownProfilerRule,
    check,
    evaluate,
    evaluate_all,
)
from tests.unit.diagnostics.profiles import profile, steps

# What our defaults change: start-up in seconds, and the distance that 20 of 20 real reports carry.
OURS = {("LoadBalancing", "threshold")}


def test_parameters_and_defaults_are_sagemakers() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its regular expressions have unknown escapes
        rules = importlib.import_module("smdebug_rulesconfig.profiler_rules.rules")
    names = sorted(name for name in PROFILER_RULES if hasattr(rules, name))
    assert len(names) == 10
    for name in names:
        theirs = getattr(rules, name)().rule_parameters
        check(name, {key: str(value) for key, value in theirs.items()})
        ours = evaluate(name, profile(), {}).parameters
        for parameter, value in theirs.items():
            if parameter not in ("rule_to_invoke", "patience") and (name, parameter) not in OURS:
                assert ours[parameter] == str(value), (name, parameter)


@pytest.mark.parametrize(
    ("name", "parameters", "said"),
    [
        (
            "LowGPUUtilization",
            {"treshold_p95": "5"},
            r"did you mean threshold_p95\?.*it has threshold_p95, threshold_p5",
        ),
        ("LowGPUUtilization", {"threshold_p95": "high"}, "threshold_p95 is 'high'; allowed: a number"),
        ("LowGPUUtilization", {"threshold_p95": "101"}, "threshold_p95 is 101.*from 0 to 100"),
        ("LowGPUUtilization", {"window": "0"}, "window is 0"),
        ("LowGPUUtilization", {"patience": "-1"}, "patience is -1"),
        ("StepOutlier", {"mode": "SLEEP"}, "mode is SLEEP; allowed: TRAIN"),
        ("Dataloader", {"max_threshold": "10"}, "max_threshold is 10"),
        ("CPUUtilization", {"high_threshold_p50": "10"}, "high_threshold_p50 is 10"),
        ("ProfilerReport", {"cpu_threshold": "90"}, "<Rule>_<parameter>"),
        ("ProfilerReport", {"CPUBottleneck_treshold": "90"}, "CPUBottleneck has no parameter 'treshold'"),
        ("ProfilerReport", {"CPUBottleneck_threshold": "x"}, "CPUBottleneck: threshold is 'x'"),
        ("ProfilerReport", {"scan_interval_us": "0"}, "scan_interval_us is '0'"),
    ],
)
def test_a_bad_parameter_is_told(name: str, parameters: Mapping[str, str], said: str) -> None:
    with pytest.raises(BadProfilerParameter, match=said):
        evaluate(name, profile(), parameters)
    with pytest.raises(BadProfilerParameter, match=said):
        check(name, parameters)


def test_an_unknown_rule_is_told() -> None:
    with pytest.raises(UnknownProfilerRule, match=r"did you mean CPUBottleneck\?.*RightSizing, ProfilerReport"):
        evaluate("CPUBottelneck", profile(), {})


def test_the_report_hands_parameters_on_in_any_case() -> None:
    one = profile(gpu=[60.0], instance="ml.g4dn.xlarge")
    by_rule = {found.rule: found for found in evaluate_all(one, {"lowgpuutilization_Threshold_P95": "50"})}
    assert sorted(by_rule) == sorted(PROFILER_RULES)
    assert by_rule["LowGPUUtilization"].parameters["threshold_p95"] == "50"
    assert by_rule["LowGPUUtilization"].finding is None


def test_the_report_fires_when_any_rule_does() -> None:
    busy = profile(cpu=70.0, memory=60.0, timeline=[steps([0.4] * 21, [0.3] * 21)])
    found = evaluate("ProfilerReport", busy, {"rule_to_invoke": "ProfilerReport", "scan_interval_us": "60000000"})
    assert (found.triggered, found.parameters) == (1, {"scan_interval_us": "60000000"})
    assert found.finding is not None
    assert found.finding.what.startswith("DataLoaderStarvation: 42.9 %")
    assert found.details["DataLoaderStarvation"]["RuleTriggered"] == 1
    assert "has no GPU" in found.details["LowGPUUtilization"]["unjudged"]
    assert found.unjudged is None


def test_a_healthy_job_gets_a_healthy_report() -> None:
    healthy = profile(cpu=70.0, memory=60.0, timeline=[steps([0.4] * 21, [0.01] * 21)])
    found = evaluate("ProfilerReport", healthy, {})
    assert (found.triggered, found.finding, found.unjudged, found.weight) == (0, None, None, 0)


def test_nothing_at_all_is_not_judged() -> None:
    found = evaluate("ProfilerReport", profile(nodes={}), {})
    assert found.unjudged is not None
    assert "No system metrics were found" in found.unjudged


def test_findings_come_first_by_weight() -> None:
    found = evaluate_all(profile(cpu=5.0, memory=5.0, timeline=[steps([0.4] * 21, [0.3] * 21)]), {})
    weights = [one.weight for one in found if one.finding]
    assert len(weights) >= 3
    assert weights == sorted(weights, reverse=True)
    assert all(one.finding is None for one in found[len(weights) :])


def test_the_report_file_is_sagemakers() -> None:
    found = evaluate("CPUBottleneck", profile(gpu=[50.0], instance="ml.g4dn.xlarge"), {"threshold": "60"})
    written = found.as_aws_json()
    assert list(written) == ["RuleTriggered", "Violations", "Details", "Datapoints", "RuleParameters"]
    assert written["RuleParameters"].split("\n")[:3] == ["threshold:60", "cpu_threshold:90", "gpu_threshold:10"]


# What a profile may hold at worst: nothing, one sample, no numbers, times in any order, series of other lengths.
number = st.one_of(st.floats(-10, 250), st.sampled_from([math.nan, math.inf, -math.inf, 0.0, 1e300]))
times = st.floats(0, 1000)


@st.composite
def any_series(draw: st.DrawFn) -> Series:
    samples = draw(st.lists(st.tuples(times, number), max_size=40))
    columns = np.array(samples, dtype=np.float64).reshape(len(samples), 2)
    return Series(columns[:, 0], columns[:, 1])


def rows(name: str) -> st.SearchStrategy[dict[str, Series]]:
    return st.dictionaries(st.sampled_from([f"{name}{index}" for index in range(3)]), any_series(), max_size=3)


any_node = st.builds(
    NodeProfile,
    cpu=rows("cpu"),
    io_wait=rows("cpu"),
    gpu=rows("gpu"),
    gpu_memory=rows("gpu"),
    memory=any_series(),
    io=rows("io"),
    network=rows("net"),
)


@st.composite
def any_steps(draw: st.DrawFn) -> Steps:
    count = draw(st.sampled_from([0, 1, 12, 150]))
    columns = np.array(draw(st.lists(st.tuples(times, number, number), min_size=1, max_size=8)), dtype=np.float64)
    starts, durations, waits = np.resize(columns, (count, 3)).T
    mode = draw(st.sampled_from(["TRAIN", "EVAL", "GLOBAL"]))
    return Steps("algo-1", mode, starts, durations, waits if draw(st.booleans()) else waits[:0])


any_spans = st.builds(
    lambda found, phase: Spans("algo-1", phase, found.times, found.values),
    any_series(),
    st.sampled_from(["DataLoaderWorker", "Forward"]),
)
any_profile = st.builds(
    lambda instance, nodes, timeline, spans: Profile(
        JobFacts("a-job", instance, max(1, len(nodes))), nodes, timeline, 0.5, spans
    ),
    st.sampled_from(["ml.m5.xlarge", "ml.p3.8xlarge", "ml.t3.medium", "ml.unknown"]),
    st.dictionaries(st.sampled_from(["algo-1", "algo-2"]), any_node, max_size=2),
    st.lists(any_steps(), max_size=2),
    st.lists(any_spans, max_size=2),
)


@pytest.mark.filterwarnings("error")
@settings(max_examples=80, deadline=None)
@given(any_profile, st.sampled_from([{}, {"patience": "0"}]))
def test_no_profile_makes_a_rule_fall_over(one: Profile, patience: dict[str, str]) -> None:
    for name, rule in PROFILER_RULES.items():
        found = evaluate(name, one, patience if "patience" in rule.__dataclass_fields__ else {})
        json.dumps(found.as_aws_json(), allow_nan=False)
        assert 0 <= found.weight <= 1
        assert (found.triggered > 0) == (found.finding is not None)
        assert found.unjudged is None or found.finding is None
        if found.finding is not None:
            assert "nan" not in found.finding.what.split()
    report = evaluate("ProfilerReport", one, {})
    json.dumps(report.as_aws_json(), allow_nan=False)
