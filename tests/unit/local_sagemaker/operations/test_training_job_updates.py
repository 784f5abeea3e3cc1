"""UpdateTrainingJob."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from local_sagemaker.errors import ResourceNotFound, ValidationException
from local_sagemaker.operations.context import Context
from local_sagemaker.operations.jobs import training_job_updates, training_jobs
from local_sagemaker.store import evaluations
from local_sagemaker.store import training_jobs as store
from tests.unit.local_sagemaker.operations.job_requests import check_response, make_context, rule
from tests.unit.local_sagemaker.operations.test_job_rules import TRAINING

NAME = {"TrainingJobName": "a"}
PROFILER = {"S3OutputPath": "s3://b/out", "ProfilingIntervalInMilliseconds": 100}


@pytest.fixture
def context(tmp_path: Path) -> Context:
    context = make_context(tmp_path)
    training_jobs.create_training_job(context, {**TRAINING, **NAME, "ProfilerConfig": PROFILER})
    return context


def update(context: Context, **changes: Any) -> dict[str, Any]:
    answer = training_job_updates.update_training_job(context, {**NAME, **changes})
    check_response("sagemaker", "UpdateTrainingJob", answer)
    described = training_jobs.describe_training_job(context, NAME)
    check_response("sagemaker", "DescribeTrainingJob", described)
    return described


def test_a_running_script_sees_another_profiler_configuration(context: Context) -> None:
    config = context.settings.jobs_dir / "a/ml/input/config"
    config.mkdir(parents=True)
    described = update(context, ProfilerConfig={"DisableProfiler": True})
    assert described["ProfilerConfig"] == {**PROFILER, "DisableProfiler": True}
    assert json.loads((config / "profilerconfig.json").read_text()) == {**PROFILER, "DisableProfiler": True}
    assert [path.name for path in config.iterdir()] == ["profilerconfig.json"]


def test_a_job_that_has_not_begun_keeps_it_for_later(context: Context) -> None:
    rules = [rule("ProfilerReport", "r")]
    described = update(
        context,
        ProfilerConfig={"ProfilingIntervalInMilliseconds": 500},
        ProfilerRuleConfigurations=rules,
        ResourceConfig={"KeepAlivePeriodInSeconds": 60},
    )
    assert described["ProfilerConfig"]["ProfilingIntervalInMilliseconds"] == 500
    assert described["ProfilerRuleConfigurations"][0]["RuleConfigurationName"] == "r"
    assert described["ResourceConfig"] == {**TRAINING["ResourceConfig"], "KeepAlivePeriodInSeconds": 60}
    assert not (context.settings.jobs_dir / "a").exists()


def test_rules_come_and_go_while_the_profiler_is_on(context: Context) -> None:
    context.wake_engine.clear()
    described = update(context, ProfilerRuleConfigurations=[rule("ProfilerReport"), rule("IOBottleneck")])
    assert context.wake_engine.is_set()
    statuses = described["ProfilerRuleEvaluationStatuses"]
    assert [(status["RuleConfigurationName"], status["RuleEvaluationStatus"]) for status in statuses] == [
        ("ProfilerReport", "InProgress"),
        ("IOBottleneck", "InProgress"),
    ]
    assert evaluations.is_open(context.database, "a")
    described = update(context, ProfilerConfig={"DisableProfiler": True})
    assert described["ProfilingStatus"] == "Disabled"
    assert len(described["ProfilerRuleEvaluationStatuses"]) == 2  # they judge what was measured
    with pytest.raises(ValidationException, match="without DisableProfiler"):
        update(context, ProfilerRuleConfigurations=[rule("IOBottleneck")])
    described = update(
        context,
        ProfilerConfig={"DisableProfiler": False, "ProfilingIntervalInMilliseconds": 1000},
        ProfilerRuleConfigurations=[rule("IOBottleneck")],
    )
    assert described["ProfilingStatus"] == "Enabled"
    assert described["ProfilerConfig"]["ProfilingIntervalInMilliseconds"] == 1000
    [status] = described["ProfilerRuleEvaluationStatuses"]
    assert status["RuleConfigurationName"] == "IOBottleneck"
    described = update(context, ProfilerRuleConfigurations=[])
    assert "ProfilerRuleEvaluationStatuses" not in described


def test_a_job_without_a_profiler_needs_an_output_for_one(tmp_path: Path) -> None:
    context = make_context(tmp_path)
    training_jobs.create_training_job(context, {**TRAINING, **NAME})
    with pytest.raises(ValidationException, match="S3OutputPath is required"):
        update(context, ProfilerConfig={"ProfilingIntervalInMilliseconds": 100})
    with pytest.raises(ValidationException, match="ProfilerConfig with S3OutputPath"):
        update(context, ProfilerRuleConfigurations=[rule("ProfilerReport")])
    assert update(context, ProfilerConfig=PROFILER)["ProfilingStatus"] == "Enabled"


def test_what_is_refused_changes_nothing(context: Context) -> None:
    before = training_jobs.describe_training_job(context, NAME)
    with pytest.raises(ResourceNotFound):
        training_job_updates.update_training_job(context, {"TrainingJobName": "none"})
    with pytest.raises(ValidationException, match="EnableRemoteDebug"):
        update(context, RemoteDebugConfig={"EnableRemoteDebug": True})
    with pytest.raises(ValidationException, match="S3OutputPath"):
        update(context, ProfilerConfig={"S3OutputPath": "https://b/out"})
    with pytest.raises(ValidationException, match="must be one of 100, 200"):
        update(context, ProfilerConfig={"ProfilingIntervalInMilliseconds": 300})
    with pytest.raises(ValidationException, match=r"ProfilerRuleConfigurations\[0\]: 'Nonsense' is no Profiler rule"):
        update(context, ProfilerRuleConfigurations=[rule("Nonsense")])
    assert training_jobs.describe_training_job(context, NAME) == before
    job = store.get(context.database, "a")
    assert job is not None
    ended: dict[str, Any] = {
        "phase": "Ended",
        "status": "Stopped",
        "secondary_status": "Stopped",
        "ended_at": time.time(),
    }
    store.update(context.database, job, time.time(), **ended)
    with pytest.raises(ValidationException, match="in status Stopped"):
        update(context, ProfilerConfig={"DisableProfiler": True})
