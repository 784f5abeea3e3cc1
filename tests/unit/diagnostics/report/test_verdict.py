from dataclasses import replace

from diagnostics.profile.profile import ProfilerEvaluation
from diagnostics.report.findings import ranked
from diagnostics.report.report import JobReport
from diagnostics.report.verdict import Verdict, verdict
from diagnostics.rules.evaluation import RuleEvaluation, RuleStatus
from tests.unit.diagnostics.report import examples

CLEAN = RuleEvaluation("LossNotDecreasing", "LossNotDecreasing", RuleStatus.NO_ISSUES_FOUND)


def judged(report: JobReport) -> Verdict:
    return verdict(report, ranked(report))


def test_findings_come_first_and_the_rest_is_said() -> None:
    said = judged(examples.report())
    assert (said.level, said.headline) == ("considerable", "2 findings, first of all Overfit")
    assert said.sentences[0].startswith("The mean validation loss 0.612")
    assert said.sentences[1:] == (
        "2 other rules found nothing amiss.",
        "VanishingGradient and LowGPUUtilization could not judge; the tables of rules say why.",
        "Overtraining is still watching.",
    )


def test_a_healthy_job() -> None:
    said = judged(JobReport(examples.job(), debugger=[CLEAN], profiler=[examples.usage()]))
    assert said == Verdict("good", "Nothing amiss: 1 rule found no issue", ())


def test_a_job_that_runs_is_judged_so_far() -> None:
    running = JobReport(examples.job(ended_at=None, status="InProgress"), debugger=[CLEAN])
    assert judged(running).headline == "Nothing amiss so far: 1 rule found no issue"
    watching = replace(running, debugger=[RuleEvaluation("Overfit", "Overfit", RuleStatus.IN_PROGRESS)])
    assert judged(watching) == Verdict("open", "Nothing amiss so far", ("Overfit is still watching.",))
    assert judged(examples.report(job=running.job)).headline == "2 findings so far, first of all Overfit"


def test_nothing_saved_is_no_good_news() -> None:
    said = judged(JobReport(examples.job()))
    assert (said.level, said.headline) == ("unknown", "Not judged")
    assert "DebugHookConfig" in said.sentences[0]
    assert "look again" in judged(JobReport(examples.job(ended_at=None))).sentences[0]


def test_only_rules_without_a_verdict() -> None:
    unjudged = ProfilerEvaluation("CPUBottleneck", 0, 0, 0, {}, {}, unjudged="Too few samples.")
    said = judged(JobReport(examples.job(), profiler=[unjudged]))
    assert said.level == "unknown"
    assert said.sentences[0].startswith("CPUBottleneck could not judge")
