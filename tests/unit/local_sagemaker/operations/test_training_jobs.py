"""Operations on training jobs without an engine: every state's answer has its shape."""

import time
from pathlib import Path

import pytest

from local_sagemaker.errors import ResourceInUse, ResourceLimitExceeded, ResourceNotFound, ValidationException
from local_sagemaker.operations import tags
from local_sagemaker.operations.context import Context
from local_sagemaker.operations.jobs import training_jobs
from local_sagemaker.store import rule_evaluations, training_queue
from local_sagemaker.store import training_jobs as store
from local_sagemaker.store.job_metrics import Metric
from local_sagemaker.store.rule_evaluations import Judgement
from tests.unit.local_sagemaker.operations.job_requests import check_response, make_context, rule
from tests.unit.local_sagemaker.operations.test_job_rules import TRAINING


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return make_context(tmp_path)


def test_creating_wakes_the_engine_and_keeps_tags_apart(context: Context) -> None:
    created = training_jobs.create_training_job(context, {**TRAINING, "Tags": [{"Key": "k", "Value": "v"}]})
    check_response("sagemaker", "CreateTrainingJob", created)
    assert created["TrainingJobArn"] == "arn:aws:sagemaker:eu-west-1:123456789012:training-job/a"
    assert context.wake_engine.is_set()
    job = store.get(context.database, "a")
    assert job is not None
    assert "Tags" not in job.request
    answer = tags.list_tags(context, {"ResourceArn": created["TrainingJobArn"]})
    check_response("sagemaker", "ListTags", answer)
    assert answer["Tags"] == [{"Key": "k", "Value": "v"}]
    with pytest.raises(ResourceInUse, match="already exists"):
        training_jobs.create_training_job(context, TRAINING)


def test_bad_tags_leave_nothing_behind(context: Context) -> None:
    for bad, message in (
        ([{"Key": "k", "Value": "1"}, {"Key": "k", "Value": "2"}], "Duplicate"),
        ([{"Key": "aws:x", "Value": "1"}], "reserved"),
    ):
        with pytest.raises(ValidationException, match=message):
            training_jobs.create_training_job(context, {**TRAINING, "Tags": bad})
    assert training_queue.count_active(context.database) == 0


def test_every_state_has_its_shape(context: Context) -> None:
    overfit, report = rule("Overfit", patience="3"), rule("ProfilerReport")
    members = {
        **TRAINING,
        "DebugHookConfig": {"S3OutputPath": "s3://b/d"},
        "DebugRuleConfigurations": [overfit],
        "ProfilerConfig": {"S3OutputPath": "s3://b/p"},
        "ProfilerRuleConfigurations": [report],
        "CheckpointConfig": {"S3Uri": "s3://b/c"},
        "Environment": {"A": "b"},
    }
    training_jobs.create_training_job(context, members)
    job = store.get(context.database, "a")
    assert job is not None
    name = {"TrainingJobName": "a"}
    described = training_jobs.describe_training_job(context, name)
    check_response("sagemaker", "DescribeTrainingJob", described)
    assert described["ProfilingStatus"] == "Enabled"
    [status] = described["DebugRuleEvaluationStatuses"]
    assert (status["RuleConfigurationName"], status["RuleEvaluationStatus"]) == ("Overfit", "InProgress")
    assert status["RuleEvaluationJobArn"].startswith(
        "arn:aws:sagemaker:eu-west-1:123456789012:processing-job/a-overfit-"
    )
    assert (status["StatusDetails"], status["LastModifiedTime"]) == (None, job.created_at)
    now = time.time()
    found = Judgement("Debug", "Overfit", "IssuesFound", "At step 3 ...", now)
    rule_evaluations.keep(context.database, "a", [found])
    job = store.update(
        context.database,
        job,
        now,
        phase="Downloading",
        secondary_status="Downloading",
        status_message="d",
        started_at=now,
    )
    job = store.add_metrics(context.database, job, "algo-1", 5, [Metric("loss", now, None)])
    store.update(
        context.database,
        job,
        now + 1.5,
        phase="Ended",
        status="Failed",
        secondary_status="Failed",
        status_message="f",
        failure_reason="AlgorithmError: x",
        ended_at=now + 1.5,
    )
    described = training_jobs.describe_training_job(context, name)
    check_response("sagemaker", "DescribeTrainingJob", described)
    assert described["TrainingTimeInSeconds"] == described["BillableTimeInSeconds"] == 2
    assert described["FinalMetricDataList"] is None  # nan is no number
    assert described["ProfilerRuleConfigurations"] == [{"VolumeSizeInGB": 0, **report}]
    [status] = described["DebugRuleEvaluationStatuses"]
    assert (status["RuleEvaluationStatus"], status["StatusDetails"]) == ("IssuesFound", "At step 3 ...")
    # The job has ended, and a rule is still being evaluated, as on AWS.
    assert described["ProfilerRuleEvaluationStatuses"][0]["RuleEvaluationStatus"] == "InProgress"
    assert described["ProfilerConfig"]["ProfilingIntervalInMilliseconds"] == 500
    assert described["StoppingCondition"] == {"MaxRuntimeInSeconds": 60}
    listed = training_jobs.list_training_jobs(context, {"StatusEquals": "Failed"})
    check_response("sagemaker", "ListTrainingJobs", listed)
    assert [summary["TrainingJobName"] for summary in listed["TrainingJobSummaries"]] == ["a"]


def test_profiling_status(context: Context) -> None:
    for name, profiler, status in (
        ("none", None, "Disabled"),
        ("off", {"DisableProfiler": True}, "Disabled"),
        ("off-later", {"S3OutputPath": "s3://b/p", "DisableProfiler": True}, "Disabled"),
        ("on", {"S3OutputPath": "s3://b/p", "DisableProfiler": False}, "Enabled"),
    ):
        more = {} if profiler is None else {"ProfilerConfig": profiler}
        training_jobs.create_training_job(context, {**TRAINING, "TrainingJobName": name, **more})
        described = training_jobs.describe_training_job(context, {"TrainingJobName": name})
        assert described["ProfilingStatus"] == status
        assert "DebugRuleEvaluationStatuses" not in described


def test_stop_is_once_and_for_what_runs(context: Context) -> None:
    training_jobs.create_training_job(context, TRAINING)
    name = {"TrainingJobName": "a"}
    assert training_jobs.stop_training_job(context, name) == {}
    assert training_jobs.stop_training_job(context, name) == {}  # stopping already
    described = training_jobs.describe_training_job(context, name)
    assert (described["TrainingJobStatus"], described["SecondaryStatus"]) == ("Stopping", "Stopping")
    assert [t["Status"] for t in described["SecondaryStatusTransitions"]] == ["Starting", "Stopping"]
    with pytest.raises(ValidationException, match="Requested resource not found"):
        training_jobs.stop_training_job(context, {"TrainingJobName": "b"})


def test_tags_belong_to_what_is_there(context: Context) -> None:
    arn = training_jobs.create_training_job(context, TRAINING)["TrainingJobArn"]
    added = tags.add_tags(context, {"ResourceArn": arn, "Tags": [{"Key": "k", "Value": "v"}]})
    check_response("sagemaker", "AddTags", added)
    with pytest.raises(ResourceLimitExceeded, match="at most 50"):
        tags.add_tags(context, {"ResourceArn": arn, "Tags": [{"Key": f"{n}", "Value": ""} for n in range(50)]})
    assert tags.delete_tags(context, {"ResourceArn": arn, "TagKeys": ["k", "none"]}) == {}
    assert tags.list_tags(context, {"ResourceArn": arn}) == {"Tags": []}
    for unknown in (arn + "x", "arn:aws:sagemaker:eu-west-1:123456789012:notebook-instance/x"):
        with pytest.raises(ResourceNotFound, match="does not exist"):
            tags.list_tags(context, {"ResourceArn": unknown})
