from dataclasses import replace

from diagnostics.profile.profile import ProfilerEvaluation, ProfilerFinding
from diagnostics.report.findings import ranked
from diagnostics.report.report import JobReport
from diagnostics.rules.evaluation import RuleEvaluation, RuleStatus
from tests.unit.diagnostics.report import examples


def fired(rule: str, step: int = 10) -> RuleEvaluation:
    return RuleEvaluation(f"my-{rule}", rule, RuleStatus.ISSUES_FOUND, "", examples.finding(step))


def profiled(rule: str, weight: float) -> ProfilerEvaluation:
    found = ProfilerFinding("what", "why", ("do",))
    return ProfilerEvaluation(rule, 1, 1, 1, {}, {}, finding=found, weight=weight)


def test_findings_of_both_kinds_are_ranked_together() -> None:
    report = JobReport(
        examples.job(),
        debugger=[fired("Overtraining"), fired("SomebodysOwn"), fired("ExplodingTensor")],
        profiler=[profiled("CPUBottleneck", 0.55), profiled("LowGPUUtilization", 0.9), profiled("BatchSize", 0.1)],
    )
    found = ranked(report)
    assert [one.name for one in found] == [
        "my-ExplodingTensor",
        "LowGPUUtilization",
        "my-SomebodysOwn",
        "CPUBottleneck",
        "my-Overtraining",
        "BatchSize",
    ]
    assert [one.degree for one in found] == ["severe", "severe", *["considerable"] * 3, "minor"]


def test_of_equal_weight_the_debugger_and_the_earlier_step_come_first() -> None:
    report = JobReport(
        examples.job(), debugger=[fired("Overfit", 30), fired("Overfit", 20)], profiler=[profiled("IOBottleneck", 0.7)]
    )
    assert [(one.kind, "step 20 of" in one.where) for one in ranked(report)] == [
        ("Debugger", True),
        ("Debugger", False),
        ("Profiler", False),
    ]


def test_a_summary_of_findings_is_no_finding() -> None:
    report = JobReport(examples.job(), profiler=[profiled("ProfilerReport", 0.9), profiled("BatchSize", 0.5)])
    assert [one.name for one in ranked(report)] == ["BatchSize"]


def test_a_finding_says_where() -> None:
    (one,) = ranked(JobReport(examples.job(), debugger=[fired("Overfit", 399)]))
    assert one.where == "CrossEntropyLoss_output_0, EVAL step 19 (step 399 of all)"


def test_what_did_not_fire_is_no_finding_and_weights_are_bounded() -> None:
    report = JobReport(examples.job(), debugger=examples.debugger(), profiler=examples.profiler())
    assert [one.name for one in ranked(report)] == ["Overfit", "Dataloader"]
    heavy = replace(report, debugger=[], profiler=[profiled("BatchSize", 7.0)])
    assert ranked(heavy)[0].weight == 1.0
