"""Rules, tensors, profile, pages and plots over HTTP, judged by a real process of its own."""

import math
import xml.etree.ElementTree as ET
from typing import Any

import httpx
import pytest

from diagnostics.report.plots import PLOTS
from diagnostics.report.tuning_plots import TUNING_PLOTS
from service.domain import script_mode
from service.evaluation.judge import Judge
from service.evaluation.messages import Answer
from service.routes.job_reports import TRAINING_PLOTS as PLOTS_TOLD
from service.routes.job_reports import TUNING_PLOTS as TUNING_PLOTS_TOLD
from service.schemas.training_job_request import TrainingJobRequest
from tests.unit.service.jobs.diagnosed import GRADIENT, LOSS, STARTED_AT, DiagnosedJob
from tests.unit.service.jobs.fake_aws import FakeAws, Refusal
from tests.unit.service.jobs.test_job_routes import problem

PATH = "/jobs/training/dogs-1"


@pytest.fixture
def job(aws: FakeAws, request: pytest.FixtureRequest) -> DiagnosedJob:
    """Another job for every test, as far as the process can tell: it keeps what it read by name and creation."""
    job = DiagnosedJob(aws)
    job.members["CreationTime"] = hash(request.node.nodeid) % 10**9
    return job


def told(rest: httpx.Client, path: str, **params: Any) -> Any:
    """The answer's JSON."""
    answer = rest.get(f"{PATH}/{path}", params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_rules_say_where_what_why_and_what_to_do(rest: httpx.Client, job: DiagnosedJob) -> None:
    job.learn(overfit=True)
    job.end()
    report = told(rest, "debugger")
    assert report["evaluation"] == {
        "state": "Completed", "steps_evaluated": 28, "steps_saved": 28, "last_step": 27,
    }  # fmt: skip
    (rule,) = report["rules"]
    assert (rule["name"], rule["status"]) == ("Overfit", "IssuesFound")
    found = rule["finding"]
    assert found["tensor"] == LOSS
    assert found["value"] > found["threshold"] == 0.1
    assert found["mode"] == "EVAL"
    assert f"at step {found['step']} " in rule["details"]
    assert found["what"]
    assert found["why"]
    assert found["advice"]
    assert (report["curves"], report["notes"]) == (None, [])


def test_curves_of_the_losses(rest: httpx.Client, job: DiagnosedJob) -> None:
    job.learn()
    job.save(28, math.nan)
    curves = {curve["mode"]: curve for curve in told(rest, "debugger", curves=True)["curves"]}
    assert set(curves) == {"TRAIN", "EVAL"}
    assert curves["TRAIN"]["steps"][:6] == [0, 1, 2, 3, 4, 7]
    assert curves["TRAIN"]["values"][-1] is None
    assert curves["EVAL"]["values"][:2] == [1.0, 1.0]
    few = told(rest, "debugger", curves=True, max_points=4)["curves"]
    assert all(len(curve["steps"]) <= 5 for curve in few)  # and the one that is no number
    assert None in few[1]["values"]


def test_a_running_job_is_followed(rest: httpx.Client, job: DiagnosedJob, aws: FakeAws) -> None:
    report = told(rest, "debugger")
    assert report["evaluation"] == {
        "state": "UpToDate", "steps_evaluated": 0, "steps_saved": 0, "last_step": None,
    }  # fmt: skip
    assert report["rules"][0]["status"] == "InProgress"
    job.learn(2)
    assert told(rest, "debugger")["evaluation"]["steps_evaluated"] == 14
    before = len(aws.requests("GET"))
    assert told(rest, "debugger")["evaluation"]["steps_evaluated"] == 14
    assert not [asked for asked in aws.requests("GET")[before:] if "/events/" in asked["path"]]
    job.learn(4)
    job.end()
    report = told(rest, "debugger")
    assert report["evaluation"]["state"] == "Completed"
    assert report["rules"][0]["status"] == "NoIssuesFound"


def test_a_job_that_is_over_is_read_once(rest: httpx.Client, job: DiagnosedJob, aws: FakeAws) -> None:
    job.learn()
    job.end()
    first = told(rest, "debugger", curves=True)
    aws.asked.clear()
    assert told(rest, "debugger", curves=True) == first
    kinds = [name for name, _ in aws.asked]
    assert sorted(kinds) == ["DescribeTrainingJob", "GET", "HEAD"]  # has a step come, is the end another one?
    job.save(28, 0.1)
    assert told(rest, "debugger")["evaluation"]["steps_evaluated"] == 29


def test_a_job_without_rules_is_judged_by_the_default_ones(rest: httpx.Client, job: DiagnosedJob) -> None:
    job.members["DebugRuleConfigurations"] = []
    job.learn(overfit=True)
    job.end()
    rules = {rule["name"]: rule for rule in told(rest, "debugger")["rules"]}
    assert list(rules) == ["VanishingGradient", "Overfit", "Overtraining", "PoorWeightInitialization"]
    assert rules["Overfit"]["status"] == "IssuesFound"
    assert rules["VanishingGradient"]["status"] == "NoIssuesFound"


def test_sagemakers_status_stands_beside_where_it_differs(rest: httpx.Client, job: DiagnosedJob) -> None:
    own = {"rule_to_invoke": "MyRule", "source_s3_uri": "s3://dogs/my.py"}
    job.members["DebugRuleConfigurations"] += [
        {"RuleConfigurationName": "MyRule", "RuleEvaluatorImage": "rules", "RuleParameters": own},
        {"RuleConfigurationName": "Odd", "RuleEvaluatorImage": "rules", "RuleParameters": {"rule_to_invoke": "Odd"}},
    ]
    job.members["DebugRuleEvaluationStatuses"] = [
        {"RuleConfigurationName": name, "RuleEvaluationStatus": status, "StatusDetails": "as SageMaker says\n"}
        for name, status in (("Overfit", "Error"), ("MyRule", "IssuesFound"), ("Odd", "Error"))
    ]
    job.learn()
    job.end()
    rules = {rule["name"]: rule for rule in told(rest, "debugger")["rules"]}
    assert list(rules) == ["Overfit", "MyRule", "Odd"]
    assert (rules["Overfit"]["status"], rules["Overfit"]["platform_status"]) == ("NoIssuesFound", "Error")
    assert rules["Overfit"]["platform_details"] == "as SageMaker says"
    assert (rules["MyRule"]["status"], rules["MyRule"]["details"]) == ("IssuesFound", "as SageMaker says")
    assert (rules["Odd"]["status"], rules["Odd"]["platform_status"]) == ("Error", None)
    assert "There is no built-in rule 'Odd'" in rules["Odd"]["details"]


def test_the_scripts_own_tensors_lie_beside_its_checkpoints(rest: httpx.Client, job: DiagnosedJob) -> None:
    request = TrainingJobRequest.model_validate(
        {
            "channels": {"train": "s3://dogs/train", "validation": "s3://dogs/valid"},
            "collected_by": "script",
            "debugger": {"rules": [{"name": "Overfit", "parameters": {"ratio_threshold": 5.0}}]},
        }
    )
    for member in ("DebugHookConfig", "DebugRuleConfigurations"):
        del job.members[member]
    job.members |= {
        "ProfilerConfig": {"DisableProfiler": True},
        "CheckpointConfig": {"S3Uri": "s3://dogs/kept/"},
        "Environment": script_mode.environment("dogs-1", request),
    }
    job.root = "/dogs/kept/diagnostics/dogs-1/debug-output"
    job.profile_root = "/dogs/kept/diagnostics/dogs-1/profiler-output"
    job.learn(overfit=True)
    job.measure()
    job.end()
    (rule,) = told(rest, "debugger")["rules"]
    assert rule["status"] == "NoIssuesFound"  # of the threshold that the job was given
    assert told(rest, "profiler")["nodes"] == ["algo-1"]
    job.aws.answers["ListTags"] = {"Tags": []}
    described = rest.get(PATH).json()
    assert (described["collected_by"], described["environment"]) == ("script", {})
    assert described["report_url"] == f"{PATH}/report"


def test_jobs_without_tensors_say_what_to_send(rest: httpx.Client, job: DiagnosedJob) -> None:
    job.end()
    empty = problem(rest.get(f"{PATH}/debugger"), 404, "tensors-not-saved")
    assert "left no tensors under s3://dogs/jobs/dogs-1/debug-output" in empty["detail"]
    del job.members["DebugHookConfig"]
    for path in ("debugger", "debugger/tensors", f"debugger/tensors/{LOSS}"):
        without = problem(rest.get(f"{PATH}/{path}"), 404, "tensors-not-saved")
        assert '"debugger": {}' in without["action"]
    job.members["ProfilerConfig"] = {"DisableProfiler": True}
    assert '"profiler": {}' in problem(rest.get(f"{PATH}/profiler"), 404, "profile-not-taken")["action"]
    page = rest.get(f"{PATH}/report")
    assert page.status_code == 200
    assert "it was made without a debugger" in page.text


def test_tensors_by_name_and_collection(rest: httpx.Client, job: DiagnosedJob) -> None:
    job.learn(2)
    tensors = told(rest, "debugger/tensors")
    assert tensors == {
        "items": [
            {
                "name": LOSS, "collections": ["losses"], "steps": {"EVAL": 4, "TRAIN": 10}, "whole": True,
                "reductions": [], "url": f"{PATH}/debugger/tensors/{LOSS}",
            },
            {
                "name": GRADIENT, "collections": ["gradients"], "steps": {"EVAL": 4, "TRAIN": 10}, "whole": False,
                "reductions": ["abs_mean"], "url": f"{PATH}/debugger/tensors/{GRADIENT}",
            },
        ],
        "next_cursor": None,
    }  # fmt: skip
    assert [item["name"] for item in told(rest, "debugger/tensors", collection="gradients")["items"]] == [GRADIENT]
    assert told(rest, "debugger/tensors", collection="weights")["items"] == []
    first = told(rest, "debugger/tensors", limit=1)
    second = told(rest, "debugger/tensors", limit=1, cursor=first["next_cursor"])
    assert [item["name"] for page in (first, second) for item in page["items"]] == [LOSS, GRADIENT]
    assert second["next_cursor"] is None


def test_urls_of_tensors_with_any_name_lead_to_them(rest: httpx.Client, job: DiagnosedJob, aws: FakeAws) -> None:
    name = "confusion matrix/50%? #1 Ä"
    job.put_collections()
    aws.objects |= {f"{job.root}/{file}": body for file, body in job.files.files_of(0, {name: [0.5]}).items()}
    job.end()
    (tensor,) = told(rest, "debugger/tensors")["items"]
    series = rest.get(tensor["url"]).raise_for_status().json()
    assert (series["tensor"], series["series"][0]["values"]) == (name, [0.5])


def test_a_tensors_figures(rest: httpx.Client, job: DiagnosedJob) -> None:
    job.learn(2)
    job.end()
    series = told(rest, f"debugger/tensors/{GRADIENT}", figure="abs_mean")
    assert (series["tensor"], series["figure"], series["evaluation"]["state"]) == (GRADIENT, "abs_mean", "Completed")
    train, judged = series["series"]
    assert (train["mode"], judged["mode"]) == ("TRAIN", "EVAL")
    assert train["steps"] == [0, 1, 2, 3, 4, 7, 8, 9, 10, 11]
    assert train["values"] == [1.0] * 5 + [0.5] * 5
    assert told(rest, f"debugger/tensors/{GRADIENT}")["series"][0]["values"] == [None] * 10  # no mean was saved
    assert told(rest, f"debugger/tensors/{LOSS}", max_points=3)["series"][0]["steps"][::2] == [0, 11]
    missing = problem(rest.get(f"{PATH}/debugger/tensors/gradient/head.weight"), 404, "tensor-not-found")
    assert GRADIENT in missing["detail"]


def test_the_profile_and_what_another_instance_would_do(rest: httpx.Client, job: DiagnosedJob) -> None:
    job.measure()
    job.members["ProfilerRuleEvaluationStatuses"] = [
        {"RuleConfigurationName": "ProfilerReport", "RuleEvaluationStatus": "IssuesFound", "StatusDetails": ""}
    ]
    job.end()
    report = told(rest, "profiler", series=True, max_points=10)
    assert (report["nodes"], report["interval_seconds"], report["complete"]) == (["algo-1"], 0.5, True)
    assert report["usage"]["CPU memory"]["algo-1"]["max"] == 10.59
    assert set(report["usage"]) >= {"CPU", "CPU memory"}
    sizing = report["right_sizing"]
    assert sizing["status"] == "IssuesFound"
    assert "10.59" in sizing["finding"]["what"]
    weights = [verdict["weight"] for verdict in report["verdicts"] if verdict["finding"]]
    assert weights == sorted(weights, reverse=True)
    unjudged = {verdict["rule"]: verdict["unjudged"] for verdict in report["verdicts"] if verdict["unjudged"]}
    assert "has no GPU" in unjudged["CPUBottleneck"]
    series = {(one["metric"], one["name"]): one for one in report["series"]}
    assert set(series) == {("cpu", f"cpu{core}") for core in range(4)} | {("memory", "")}
    assert series["cpu", "cpu3"]["values"] == [63.0] * len(series["cpu", "cpu3"]["times"])
    assert 2 <= len(series["cpu", "cpu3"]["times"]) <= 10
    assert series["memory", ""]["times"][0] == STARTED_AT
    assert report["platform"] == [{"name": "ProfilerReport", "status": "IssuesFound", "details": None}]
    assert told(rest, "profiler")["series"] is None


def test_bad_profiler_parameters_are_said(rest: httpx.Client, job: DiagnosedJob) -> None:
    job.members["ProfilerRuleConfigurations"] = [
        {
            "RuleConfigurationName": name,
            "RuleEvaluatorImage": "rules",
            "RuleParameters": {"rule_to_invoke": name, parameter: "x"},
        }
        for name, parameter in (("ProfilerReport", "nonsense"), ("RightSizing", "cpu_headroom"), ("Odd", "a"))
    ]
    job.measure()
    report = told(rest, "profiler")
    unjudged = {verdict["rule"]: verdict["unjudged"] for verdict in [*report["verdicts"], report["right_sizing"]]}
    assert "no parameter 'nonsense'" in unjudged["ProfilerReport"]
    assert "cpu_headroom is 'x'" in unjudged["RightSizing"]
    assert "'Odd' is no Profiler rule" in unjudged["Odd"]
    assert report["complete"] is False


def test_pages_and_plots(rest: httpx.Client, job: DiagnosedJob) -> None:
    job.learn(overfit=True)
    job.measure()
    job.end()
    page = rest.get(f"{PATH}/report")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "Overfit" in page.text
    assert page.text.count("<svg") >= len(PLOTS)
    for name in PLOTS:
        drawn = rest.get(f"{PATH}/plots/{name}.svg")
        assert (drawn.status_code, drawn.headers["content-type"]) == (200, "image/svg+xml"), name
        assert ET.fromstring(drawn.content).tag.endswith("svg")  # noqa: S314 - our own
    image = rest.get(f"{PATH}/plots/losses.png")
    assert image.headers["content-type"] == "image/png"
    assert image.content.startswith(b"\x89PNG")
    unknown = problem(rest.get(f"{PATH}/plots/lossess.svg"), 404, "plot-not-found")
    assert unknown["action"] == f"Its plots are {', '.join(PLOTS)}."
    assert rest.get(f"{PATH}/plots/losses.gif").status_code == 422


def test_the_document_names_the_plots_that_there_are() -> None:
    assert tuple(PLOTS) == PLOTS_TOLD
    assert tuple(TUNING_PLOTS) == TUNING_PLOTS_TOLD


def test_tuning_pages_and_plots(rest: httpx.Client, aws: FakeAws) -> None:
    trials = [
        {
            "TrainingJobName": f"dogs-tuning-{number}",
            "TrainingJobArn": "arn",
            "CreationTime": number,
            "TrainingStartTime": STARTED_AT + number,
            "TrainingEndTime": STARTED_AT + number + 60,
            "TrainingJobStatus": "Stopped" if number == 3 else "Completed",
            "TunedHyperParameters": {"lr": str(0.01 * number), "optimizer": '"sgd"'},
            "FinalHyperParameterTuningJobObjectiveMetric": {
                "MetricName": "validation:loss",
                "Value": float("nan") if number == 2 else 1 / number,
            },
        }
        for number in range(1, 6)
    ]
    aws.answers["DescribeHyperParameterTuningJob"] = {
        "HyperParameterTuningJobName": "dogs-tuning",
        "HyperParameterTuningJobArn": "arn",
        "HyperParameterTuningJobStatus": "Completed",
        "CreationTime": 0,
        "HyperParameterTuningJobConfig": {
            "Strategy": "Bayesian",
            "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "validation:loss"},
            "ResourceLimits": {"MaxNumberOfTrainingJobs": 5, "MaxParallelTrainingJobs": 1},
            "TrainingJobEarlyStoppingType": "Auto",
            "ParameterRanges": {
                "ContinuousParameterRanges": [
                    {"Name": "lr", "MinValue": "0.001", "MaxValue": "0.1", "ScalingType": "Logarithmic"}
                ],
                "CategoricalParameterRanges": [{"Name": "optimizer", "Values": ['"sgd"', '"adam"']}],
            },
        },
    }
    pages = {None: trials[:3], "more": trials[3:]}
    aws.answers["ListTrainingJobsForHyperParameterTuningJob"] = lambda members: {
        "TrainingJobSummaries": pages[members.get("NextToken")],
        **({} if "NextToken" in members else {"NextToken": "more"}),
    }
    page = rest.get("/jobs/tuning/dogs-tuning/report")
    assert page.status_code == 200, page.text
    assert "dogs-tuning-5" in page.text
    for name in TUNING_PLOTS:
        drawn = rest.get(f"/jobs/tuning/dogs-tuning/plots/{name}.svg")
        assert (drawn.status_code, drawn.headers["content-type"]) == (200, "image/svg+xml"), drawn.text
    unknown = problem(rest.get("/jobs/tuning/dogs-tuning/plots/x.png"), 404, "plot-not-found")
    assert "Its plots are best" in unknown["action"]


def test_what_is_not_done_yet_says_when_to_come_back(
    rest: httpx.Client, job: DiagnosedJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluation = {"state": "InProgress", "steps_evaluated": 10, "steps_saved": 90, "last_step": 9}
    told_so_far: dict[str, Any] = {"evaluation": evaluation, "rules": [], "curves": None, "notes": []}
    monkeypatch.setattr(Judge, "ask", lambda *_: Answer(told_so_far))
    answer = rest.get(f"{PATH}/debugger")
    assert (answer.status_code, answer.headers["Retry-After"]) == (200, "1")
    assert answer.json()["evaluation"] == evaluation


def test_s3s_refusal_is_told_and_the_next_request_begins_anew(
    rest: httpx.Client, job: DiagnosedJob, aws: FakeAws
) -> None:
    job.learn(overfit=True)
    job.end()
    aws.s3_refusal = Refusal("AccessDenied", "Access Denied", 403)
    assert "ListObjectsV2" in problem(rest.get(f"{PATH}/debugger"), 502, "access-denied")["detail"]
    aws.s3_refusal = None
    assert told(rest, "debugger")["rules"][0]["status"] == "IssuesFound"


def test_damaged_files_are_noted(rest: httpx.Client, job: DiagnosedJob, aws: FakeAws) -> None:
    job.learn()
    job.end()
    for name in list(aws.objects):
        if "/events/000000000003/" in name:
            aws.objects[name] = b"broken"
    report = told(rest, "debugger")
    assert report["rules"][0]["status"] == "NoIssuesFound"
    assert any("step 3" in note for note in report["notes"])
