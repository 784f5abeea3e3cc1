"""Profiler rules over what the sampler wrote, and their files."""

import json
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from diagnostics.profile.profile import Profile, ProfilerEvaluation
from diagnostics.profile.rules.catalogue import evaluate
from diagnostics.rules.rule_evaluation import RuleEvaluation, RuleStatus
from diagnostics.tensors.curve import Curve
from local_sagemaker.runtime.evaluation import profiler_rules
from local_sagemaker.runtime.evaluation.profiler_rules import ProfilerRules
from local_sagemaker.runtime.evaluation.request import EvaluationRequest, RequestFile
from tests.unit.local_sagemaker.runtime.evaluation.evaluation_files import EvaluationFiles, debug_rule

STARTED = 1_700_000_000.0
REPORTS = "profiler-output/profiler-reports"


def sample(root: Path, seconds: int, gpu: float) -> None:
    """So many seconds of a host with a GPU, two samples a second."""
    for half in range(2 * seconds):
        now = STARTED + half / 2
        minute = int(now) // 60 * 60
        path = root / "system/incremental" / time.strftime("%Y%m%d%H", time.gmtime(minute)) / f"{minute}.algo-1.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        metrics = [
            ("cpu", "cpu0", "CPUUtilization", 50.0),
            ("gpu", "gpu0", "GPUUtilization", gpu),
            ("gpu", "gpu0", "GPUMemoryUtilization", 30.0),
            ("memory", "MemoryUsedPercent", "Memory", 20.0),
        ]
        with path.open("a") as file:
            for kind, name, dimension, value in metrics:
                line = {"Type": kind, "Name": name, "Dimension": dimension, "Value": value}
                file.write(json.dumps(line | {"NodeId": "algo-1", "Timestamp": now}) + "\n")


def ended(request: EvaluationRequest) -> EvaluationRequest:
    return replace(request, job=replace(request.job, status="Completed", ended_at=STARTED + 60))


@pytest.fixture
def files(tmp_path: Path) -> EvaluationFiles:
    """A job on a GPU instance."""
    found = EvaluationFiles(tmp_path)
    found.job |= {"instance_type": "ml.g4dn.xlarge", "started_at": STARTED}
    return found


def rules_of(files: EvaluationFiles) -> tuple[ProfilerRules, EvaluationRequest]:
    files.tell()
    request = RequestFile(files.folder / "evaluation.json").read()
    return ProfilerRules(request, files.folder / "rule-output"), request


def test_verdicts_come_at_the_end_and_files_before(files: EvaluationFiles) -> None:
    files.profiler_rules = [debug_rule("low", "LowGPUUtilization"), debug_rule("high", "GPUMemoryIncrease")]
    sample(files.profile, 40, gpu=20.0)
    rules, request = rules_of(files)
    rules.refresh(request.job, [], [])
    assert {standing.status for standing in rules.standings()} == {RuleStatus.IN_PROGRESS}
    report = json.loads((files.folder / "rule-output/low" / REPORTS / "LowGPUUtilization.json").read_bytes())
    assert report["RuleTriggered"] == 1
    assert "threshold_p95:70" in report["RuleParameters"]
    rules.refresh(ended(request).job, [], [])
    low, high = rules.standings()
    assert low.status is RuleStatus.ISSUES_FOUND
    assert low.details.startswith(
        "RuleEvaluationConditionMet: Evaluation of the rule LowGPUUtilization at step 0 resulted in the condition"
    )
    assert "gpu0" in low.details
    assert (high.status, high.details) == (RuleStatus.NO_ISSUES_FOUND, "")
    assert not rules.active
    assert low.stop_training is None


def test_the_report_is_a_page_and_a_file_a_rule(files: EvaluationFiles) -> None:
    files.profiler_rules = [debug_rule("ProfilerReport", "ProfilerReport", LowGPUUtilization_threshold_p95="80")]
    sample(files.profile, 40, gpu=75.0)
    rules, request = rules_of(files)
    curves = [Curve("CrossEntropyLoss_output_0", "TRAIN", [0, 10], [2.0, 1.0])]
    judged = [RuleEvaluation("over", "Overfit", RuleStatus.NO_ISSUES_FOUND)]
    rules.refresh(ended(request).job, curves, judged)
    [standing] = rules.standings()
    assert standing.status is RuleStatus.ISSUES_FOUND
    assert "LowGPUUtilization" in standing.details
    folder = files.folder / "rule-output/ProfilerReport"
    page = (folder / "profiler-output/profiler-report.html").read_text()
    assert "dogs-1" in page
    assert "Overfit" in page
    written = {path.stem for path in (folder / REPORTS).iterdir()}
    assert {"LowGPUUtilization", "OverallSystemUsage", "CPUBottleneck"} <= written
    usage = json.loads((folder / REPORTS / "OverallSystemUsage.json").read_bytes())["Details"]
    assert usage["GPU"]["algo-1"]["max"] == 75.0


def test_a_rule_without_samples_says_so(files: EvaluationFiles) -> None:
    files.profiler_rules = [debug_rule("low", "LowGPUUtilization")]
    rules, request = rules_of(files)
    rules.refresh(ended(request).job, [], [])
    [standing] = rules.standings()
    assert standing.status is RuleStatus.ERROR
    assert "could not be evaluated" in standing.details
    assert "ProfilerConfig" in standing.details


def test_a_rule_that_there_is_not_or_not_so(files: EvaluationFiles) -> None:
    files.profiler_rules = [
        debug_rule("a", "LowGpu"),
        debug_rule("b", "LowGPUUtilization", patience="soon"),
        debug_rule("c", "LowGPUUtilization", action_json="{"),
    ]
    rules, _ = rules_of(files)
    assert [standing.status for standing in rules.standings()] == [RuleStatus.ERROR] * 3
    first, second, third = (standing.details for standing in rules.standings())
    assert "LowGPUUtilization" in first
    assert "patience is 'soon'" in second
    assert "action_json" in third
    assert not rules.active


def test_a_rule_that_fails_does_not_take_the_others_along(
    files: EvaluationFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    files.profiler_rules = [debug_rule("low", "LowGPUUtilization"), debug_rule("high", "GPUMemoryIncrease")]
    sample(files.profile, 40, gpu=90.0)
    rules, request = rules_of(files)

    def failing(name: str, profile: Profile, parameters: Mapping[str, str]) -> ProfilerEvaluation:
        if name == "LowGPUUtilization":
            raise ZeroDivisionError("nothing")
        return evaluate(name, profile, parameters)

    monkeypatch.setattr(profiler_rules, "evaluate", failing)
    rules.refresh(ended(request).job, [], [])
    low, high = rules.standings()
    assert (low.status, high.status) == (RuleStatus.ERROR, RuleStatus.NO_ISSUES_FOUND)
    assert low.details == "The rule LowGPUUtilization failed: ZeroDivisionError: nothing"


def test_rules_that_an_update_brings(files: EvaluationFiles) -> None:
    files.profiler_rules = [debug_rule("low", "LowGPUUtilization")]
    rules, request = rules_of(files)
    files.profiler_rules = [*files.profiler_rules, debug_rule("more", "BatchSize")]
    files.tell()
    rules.told(RequestFile(files.folder / "evaluation.json").read())
    assert [standing.name for standing in rules.standings()] == ["low", "more"]
    assert len(request.profiler_rules) == 1
