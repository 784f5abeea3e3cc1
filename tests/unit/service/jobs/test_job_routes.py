"""The routes of jobs, over HTTP, in front of a scripted AWS."""

from typing import Any

import httpx
import pytest

from tests.unit.service.jobs.aws_model import assert_request
from tests.unit.service.jobs.fake_aws import FakeAws, Refusal

CHANNELS = {"train": "s3://dogs/train", "validation": "s3://dogs/valid"}
PLAIN = {"channels": CHANNELS, "debugger": None, "profiler": None}
ARN = "arn:aws:sagemaker:us-east-1:123456789012:training-job/dogs-1"
NOT_FOUND = Refusal("ValidationException", "Requested resource not found.")
TUNING_NOT_FOUND = Refusal("ResourceNotFound", "Amazon SageMaker can't find a tuning job with the name dogs-tuning.")


class Jobs:
    """SageMaker's memory of training jobs, as far as these tests need it."""

    def __init__(self, aws: FakeAws) -> None:
        self.made: dict[str, dict[str, Any]] = {}
        aws.answers["CreateTrainingJob"] = self.create
        aws.answers["DescribeTrainingJob"] = self.describe
        aws.answers["ListTags"] = self.tags

    def create(self, members: dict[str, Any]) -> dict[str, Any] | Refusal:
        assert_request("CreateTrainingJob", members)
        name = members["TrainingJobName"]
        if name in self.made:
            return Refusal("ResourceInUse", "Training job names must be unique within an AWS account and region")
        self.made[name] = members
        return {"TrainingJobArn": ARN}

    def describe(self, members: dict[str, Any]) -> dict[str, Any] | Refusal:
        made = self.made.get(members["TrainingJobName"])
        if made is None:
            return NOT_FOUND
        state = {
            "TrainingJobArn": ARN,
            "TrainingJobStatus": "InProgress",
            "SecondaryStatus": "Training",
            "CreationTime": 1,
        }
        return {**{name: value for name, value in made.items() if name != "Tags"}, **state}

    def tags(self, members: dict[str, Any]) -> dict[str, Any]:
        return {"Tags": next(iter(self.made.values()))["Tags"]}


@pytest.fixture
def jobs(aws: FakeAws) -> Jobs:
    """No job yet."""
    return Jobs(aws)


def problem(answer: httpx.Response, status: int, kind: str) -> dict[str, Any]:
    """The problem of an answer, checked for what every problem has."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert body["type"] == f"urn:sagehound:problem:{kind}"
    assert body["detail"]
    assert body["action"]
    return body


def test_create_answers_202_and_where_to_look(rest: httpx.Client, aws: FakeAws, jobs: Jobs) -> None:
    answer = rest.post("/jobs/training", json={"name": "dogs-1", **PLAIN})
    assert (answer.status_code, answer.headers["Location"]) == (202, "/jobs/training/dogs-1")
    assert answer.json() == {"name": "dogs-1", "arn": ARN, "status": "InProgress"}
    described = rest.get(answer.headers["Location"]).json()
    assert described["channels"] == CHANNELS
    assert described["source_s3_uri"].startswith("s3://sagemaker-us-east-1-123456789012/sagehound/source/")
    assert described["source_s3_uri"].removeprefix("s3:/") in aws.objects


def test_same_body_is_found_before_anything_is_uploaded(rest: httpx.Client, aws: FakeAws, jobs: Jobs) -> None:
    rest.post("/jobs/training", json={"name": "dogs-1", **PLAIN})
    aws.asked.clear()
    answer = rest.post("/jobs/training", json={**PLAIN, "name": "dogs-1", "volume_size_gb": 30})
    assert (answer.status_code, answer.json()["arn"]) == (200, ARN)
    assert [operation for operation, _ in aws.asked] == ["DescribeTrainingJob", "ListTags"]


def test_another_body_is_a_conflict_that_says_what_differs(rest: httpx.Client, aws: FakeAws, jobs: Jobs) -> None:
    rest.post("/jobs/training", json={"name": "dogs-1", **PLAIN})
    answer = rest.post("/jobs/training", json={**PLAIN, "name": "dogs-1", "volume_size_gb": 31})
    body = problem(answer, 409, "name-conflict")
    assert body["differences"] == ["volume_size_gb is 30 there and 31 here"]
    assert len(aws.requests("CreateTrainingJob")) == 1
    rules = rest.post("/jobs/training", json={"name": "dogs-1", "channels": CHANNELS, "profiler": None})
    assert "debugger" in problem(rules, 409, "name-conflict")["detail"]


@pytest.mark.parametrize(("volume", "status"), [(30, 200), (31, 409)])
def test_lost_race_is_decided_like_any_repetition(
    rest: httpx.Client, aws: FakeAws, jobs: Jobs, volume: int, status: int
) -> None:
    """Both look, neither finds a job, and the other one is first."""
    rest.post("/jobs/training", json={"name": "dogs-1", **PLAIN})
    looks = iter([NOT_FOUND])
    aws.answers["DescribeTrainingJob"] = lambda members: next(looks, None) or jobs.describe(members)
    answer = rest.post("/jobs/training", json={**PLAIN, "name": "dogs-1", "volume_size_gb": volume})
    assert answer.status_code == status, answer.text
    assert len(aws.requests("CreateTrainingJob")) == 2


def test_without_a_name_one_is_made(rest: httpx.Client, aws: FakeAws, jobs: Jobs) -> None:
    names = {rest.post("/jobs/training", json=PLAIN).json()["name"] for _ in range(2)}
    assert names == set(jobs.made)
    assert len(names) == 2


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("/jobs/training", {**PLAIN, "name": "not legal"}, "#/body/name"),
        ("/jobs/training", {}, "train_model.py needs train and validation"),
        ("/jobs/training", {**PLAIN, "entry_point": "nothing.py"}, "are: hpo.py, other.py, train_model.py."),
        ("/jobs/training", {**PLAIN, "batch_size": 3}, "#/body/batch_size"),
        ("/jobs/tuning", {"channels": {"train": "s3://dogs/train"}}, "hpo.py needs validation"),
        ("/jobs/tuning", {"channels": CHANNELS, "entry_point": "nothing.py"}, "no script nothing.py"),
        (
            "/jobs/tuning",
            {"channels": CHANNELS, "ranges": {"lr": {"type": "continuous", "min": 1, "max": 1}}},
            "#/body/ranges/lr/continuous: min (1.0) must be less than max (1.0)",
        ),
    ],
)
def test_bad_bodies_never_reach_aws(
    *, rest: httpx.Client, aws: FakeAws, path: str, body: dict[str, Any], words: str
) -> None:
    assert words in problem(rest.post(path, json=body), 422, "invalid-request")["detail"]
    assert aws.asked == []


@pytest.mark.parametrize(
    "path",
    [
        "/jobs/training?status=Running", "/jobs/training?limit=101", "/jobs/training?state=Failed",
        "/jobs/training?created_after=yesterday", "/jobs/training?created_after=2026-11-22T09:00:00",
        "/jobs/tuning?sort_by=objective", "/jobs/tuning/dogs/training-jobs?limit=0", "/jobs/training/no_name",
        "/jobs/training/dogs/logs?limit=10001", "/jobs/training/dogs/logs?follow=true",
        "/jobs/tuning/" + "d" * 33,
    ],
)  # fmt: skip
def test_bad_parameters_never_reach_aws(rest: httpx.Client, aws: FakeAws, path: str) -> None:
    problem(rest.get(path), 422, "invalid-request")
    assert aws.asked == []


def test_training_jobs_are_listed_with_every_filter(rest: httpx.Client, aws: FakeAws) -> None:
    summary = {
        "TrainingJobName": "dogs-1", "TrainingJobArn": ARN, "CreationTime": 1795338350.5,
        "TrainingJobStatus": "Failed", "SecondaryStatus": "Failed",
    }  # fmt: skip
    aws.answers["ListTrainingJobs"] = {"TrainingJobSummaries": [summary], "NextToken": "next"}
    query = {
        "status": "Failed", "name_contains": "dogs", "created_after": "2026-11-22T09:00:00Z", "sort_by": "name",
        "created_before": "2026-11-23T09:00:00+01:00", "sort_order": "ascending", "limit": "7", "cursor": "token",
    }  # fmt: skip
    page = rest.get("/jobs/training", params=query).json()
    assert page["next_cursor"] == "next"
    assert [(job["name"], job["status"], job["created_at"]) for job in page["items"]] == [
        ("dogs-1", "Failed", "2026-11-22T09:05:50.500000Z")
    ]
    assert aws.requests("ListTrainingJobs") == [
        {
            "StatusEquals": "Failed", "NameContains": "dogs", "CreationTimeAfter": 1795338000.0,
            "CreationTimeBefore": 1795420800.0, "SortBy": "Name", "SortOrder": "Ascending", "MaxResults": 7,
            "NextToken": "token",
        }
    ]  # fmt: skip


def test_stop_asks_once_and_refuses_what_is_over(rest: httpx.Client, aws: FakeAws) -> None:
    def described(status: str) -> dict[str, Any]:
        return {
            "TrainingJobName": "dogs-1", "TrainingJobArn": ARN, "TrainingJobStatus": status,
            "SecondaryStatus": "Training", "CreationTime": 1,
        }  # fmt: skip

    aws.answers["StopTrainingJob"] = {}
    aws.answers["DescribeTrainingJob"] = described("InProgress")
    answer = rest.post("/jobs/training/dogs-1/stop")
    assert (answer.status_code, answer.json()["status"]) == (202, "Stopping")
    aws.answers["DescribeTrainingJob"] = described("Stopped")
    assert rest.post("/jobs/training/dogs-1/stop").json()["status"] == "Stopped"
    assert len(aws.requests("StopTrainingJob")) == 1
    aws.answers["DescribeTrainingJob"] = described("Completed")
    problem(rest.post("/jobs/training/dogs-1/stop"), 409, "state-conflict")
    # It ends between the two calls.
    aws.answers["DescribeTrainingJob"] = described("InProgress")
    ended = "The request was rejected because the training job is in status Completed."
    aws.answers["StopTrainingJob"] = Refusal("ValidationException", ended)
    assert problem(rest.post("/jobs/training/dogs-1/stop"), 409, "state-conflict")["detail"] == ended


def test_log_as_text_and_as_json(rest: httpx.Client, aws: FakeAws) -> None:
    aws.answers["DescribeLogStreams"] = {"logStreams": [{"logStreamName": "dogs-1/algo-1-17"}]}
    events = [{"timestamp": 1795338350500, "message": "woof"}, {"timestamp": 1795338350501, "message": "wau ü"}]
    aws.answers["GetLogEvents"] = {"events": events, "nextForwardToken": "f/2"}
    text = rest.get("/jobs/training/dogs-1/logs", headers={"Accept": "text/plain, */*;q=0.1"})
    assert text.text == "woof\nwau ü\n"
    assert text.headers["content-type"] == "text/plain; charset=utf-8"
    page = rest.get("/jobs/training/dogs-1/logs", headers={"Accept": "*/*"})
    assert page.json()["items"][0] == {"timestamp": "2026-11-22T09:05:50.500000Z", "message": "woof"}
    assert (page.json()["next_cursor"], page.headers["Vary"]) == ("f/2", "Accept")
    followed = page.links["next"]["url"]
    assert followed == "/jobs/training/dogs-1/logs?stream=dogs-1%2Falgo-1-17&cursor=f%2F2&limit=1000"
    rest.get(followed)
    assert aws.requests("GetLogEvents")[-1]["nextToken"] == "f/2"


def tuning_job(status: str, best: dict[str, Any] | None) -> dict[str, Any]:
    """DescribeHyperParameterTuningJob's answer."""
    return {
        "HyperParameterTuningJobName": "dogs-tuning",
        "HyperParameterTuningJobArn": "arn:aws:sagemaker:us-east-1:123456789012:hyper-parameter-tuning-job/dogs-tuning",
        "HyperParameterTuningJobStatus": status,
        "CreationTime": 1,
        "HyperParameterTuningJobConfig": {"Strategy": "Bayesian", "ResourceLimits": {"MaxParallelTrainingJobs": 3}},
        "TrainingJobStatusCounters": {"Completed": 0, "InProgress": 2, "NonRetryableError": 1},
        "ObjectiveStatusCounters": {},
        **({"BestTrainingJob": best} if best else {}),
    }


def test_from_tuning_job_takes_the_best_and_named_ones_win(rest: httpx.Client, aws: FakeAws, jobs: Jobs) -> None:
    best = {
        "TrainingJobName": "dogs-tuning-001-0a", "TrainingJobArn": ARN, "TrainingJobStatus": "Completed",
        "CreationTime": 1, "TunedHyperParameters": {"lr": "0.0014", "batch-size": '"64"'},
    }  # fmt: skip
    aws.answers["DescribeHyperParameterTuningJob"] = tuning_job("Completed", best)
    body = {**PLAIN, "name": "dogs-1", "from_tuning_job": "dogs-tuning", "hyperparameters": {"batch-size": 32}}
    rest.post("/jobs/training", json=body).raise_for_status()
    sent = aws.requests("CreateTrainingJob")[0]["HyperParameters"]
    assert (sent["lr"], sent["batch-size"]) == ("0.0014", "32")
    assert rest.get("/jobs/training/dogs-1").json()["from_tuning_job"] == "dogs-tuning"
    answer = rest.post("/jobs/training", json={**body, "hyperparameters": {"batch-size": 16}})
    assert problem(answer, 409, "name-conflict")["differences"] == [
        "hyperparameters.batch-size is 32 there and 16 here"
    ]


@pytest.mark.parametrize(
    ("status", "action"), [("InProgress", "Wait until"), ("Failed", "/jobs/tuning/dogs-tuning/training-jobs")]
)
def test_from_tuning_job_without_a_best_one_makes_nothing(
    *, rest: httpx.Client, aws: FakeAws, jobs: Jobs, status: str, action: str
) -> None:
    aws.answers["DescribeHyperParameterTuningJob"] = tuning_job(status, None)
    answer = rest.post("/jobs/training", json={**PLAIN, "from_tuning_job": "dogs-tuning"})
    body = problem(answer, 409, "state-conflict")
    assert "0 completed, 2 in progress, 1 failed" in body["detail"]
    assert action in body["action"]
    assert (jobs.made, aws.objects) == ({}, {})


def test_unknown_tuning_job(rest: httpx.Client, aws: FakeAws, jobs: Jobs) -> None:
    aws.answers["DescribeHyperParameterTuningJob"] = TUNING_NOT_FOUND
    aws.answers["ListTrainingJobsForHyperParameterTuningJob"] = TUNING_NOT_FOUND
    answer = rest.post("/jobs/training", json={**PLAIN, "from_tuning_job": "dogs-tuning"})
    problem(answer, 404, "tuning-job-not-found")
    problem(rest.get("/jobs/tuning/dogs-tuning"), 404, "tuning-job-not-found")
    problem(rest.get("/jobs/tuning/dogs-tuning/training-jobs"), 404, "tuning-job-not-found")
    problem(rest.post("/jobs/tuning/dogs-tuning/stop"), 404, "tuning-job-not-found")


def test_closed_debugger_is_told_apart(rest: httpx.Client, aws: FakeAws, jobs: Jobs) -> None:
    refusal = "Amazon SageMaker Debugger is not available to new customers."
    aws.answers["CreateTrainingJob"] = Refusal("ValidationException", refusal)
    answer = rest.post("/jobs/training", json={"name": "dogs-1", "channels": CHANNELS})
    assert '"debugger": null' in problem(answer, 400, "bad-request")["action"]
    answer = rest.post("/jobs/training", json={"name": "dogs-1", **PLAIN})
    assert '"debugger": null' not in problem(answer, 400, "bad-request")["action"]


def test_tuning_jobs_are_made_and_listed(rest: httpx.Client, aws: FakeAws) -> None:
    aws.answers["DescribeHyperParameterTuningJob"] = TUNING_NOT_FOUND
    aws.answers["CreateHyperParameterTuningJob"] = {"HyperParameterTuningJobArn": "arn:dogs-tuning"}
    answer = rest.post("/jobs/tuning", json={"name": "dogs-tuning", "channels": CHANNELS})
    assert (answer.status_code, answer.headers["Location"]) == (202, "/jobs/tuning/dogs-tuning")
    assert_request("CreateHyperParameterTuningJob", aws.requests("CreateHyperParameterTuningJob")[0])
    summary = {
        "HyperParameterTuningJobName": "dogs-tuning", "HyperParameterTuningJobArn": "arn", "CreationTime": 1,
        "HyperParameterTuningJobStatus": "InProgress", "Strategy": "Bayesian",
        "TrainingJobStatusCounters": {"Completed": 2}, "ObjectiveStatusCounters": {"Succeeded": 2},
    }  # fmt: skip
    aws.answers["ListHyperParameterTuningJobs"] = {"HyperParameterTuningJobSummaries": [summary]}
    page = rest.get("/jobs/tuning", params={"status": "InProgress"}).json()
    assert page["next_cursor"] is None
    assert page["items"][0]["training_job_counters"]["completed"] == 2
    assert aws.requests("ListHyperParameterTuningJobs") == [
        {"StatusEquals": "InProgress", "SortBy": "CreationTime", "SortOrder": "Descending", "MaxResults": 20}
    ]


def test_trials_are_sorted_by_the_objective(rest: httpx.Client, aws: FakeAws) -> None:
    aws.answers["ListTrainingJobsForHyperParameterTuningJob"] = {"TrainingJobSummaries": []}
    query = {"sort_by": "objective", "sort_order": "ascending", "status": "Completed"}
    assert rest.get("/jobs/tuning/dogs-tuning/training-jobs", params=query).json() == {"items": [], "next_cursor": None}
    assert aws.requests("ListTrainingJobsForHyperParameterTuningJob") == [
        {
            "HyperParameterTuningJobName": "dogs-tuning", "StatusEquals": "Completed",
            "SortBy": "FinalObjectiveMetricValue", "SortOrder": "Ascending", "MaxResults": 20,
        }
    ]  # fmt: skip


def test_throttling_says_when_to_come_back(rest: httpx.Client, aws: FakeAws, monkeypatch: pytest.MonkeyPatch) -> None:
    aws.answers["ListTrainingJobs"] = Refusal("ThrottlingException", "Rate exceeded")
    answer = rest.get("/jobs/training")
    problem(answer, 429, "throttled")
    assert answer.headers["Retry-After"] == "2"
