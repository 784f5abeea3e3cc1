"""Operations on tuning jobs, with the reconciler but without any process."""

from pathlib import Path

import pytest

from local_sagemaker.engine.loop import Background
from local_sagemaker.engine.tuning_jobs import TuningJobReconciler
from local_sagemaker.errors import ResourceInUse, ValidationException
from local_sagemaker.operations import training_jobs, tuning_jobs
from local_sagemaker.operations.context import Context
from local_sagemaker.runtime.objects import Objects
from local_sagemaker.store import training_jobs as store
from tests.unit.local_sagemaker.operations.job_requests import check_response, make_context
from tests.unit.local_sagemaker.operations.test_job_rules import TUNING

NAME = {"HyperParameterTuningJobName": "t"}


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return make_context(tmp_path)


@pytest.fixture
def reconciler(context: Context) -> TuningJobReconciler:
    return TuningJobReconciler(context.settings, context.database, Background(context.wake_engine.set), Objects(""))


def end(context: Context, name: str, status: str, loss: float | None) -> None:
    job = store.get(context.database, name)
    assert job is not None
    metrics = [] if loss is None else [store.Metric("loss", 5.0, loss)]
    job = store.update(
        context.database, job, job.created_at + 1, metrics=metrics, phase="Training", started_at=job.created_at
    )
    store.update(
        context.database,
        job,
        job.created_at + 3,
        phase="Ended",
        status=status,
        secondary_status=status,
        status_message="x",
        failure_reason="why" if status == "Failed" else None,
        ended_at=job.created_at + 3,
    )


def test_from_creation_to_the_end(context: Context, reconciler: TuningJobReconciler) -> None:
    check_response("sagemaker", "CreateHyperParameterTuningJob", tuning_jobs.create_tuning_job(context, TUNING))
    with pytest.raises(ResourceInUse):
        tuning_jobs.create_tuning_job(context, TUNING)
    described = tuning_jobs.describe_tuning_job(context, NAME)
    check_response("sagemaker", "DescribeHyperParameterTuningJob", described)
    assert described["BestTrainingJob"] is None

    outcomes = [("Completed", 0.5), ("Failed", 0.1), ("Completed", 0.3), ("Completed", None), ("Stopped", 0.4)]
    outcomes += [("Completed", 0.6)] * 4
    for status, loss in outcomes:
        assert reconciler.reconcile() is None
        active = store.active(context.database)
        assert 1 <= len(active) <= 3
        end(context, active[0].name, status, loss)
    assert reconciler.reconcile() is None
    described = tuning_jobs.describe_tuning_job(context, NAME)
    check_response("sagemaker", "DescribeHyperParameterTuningJob", described)
    assert described["HyperParameterTuningJobStatus"] == "Completed"
    best = described["BestTrainingJob"]
    assert best["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] == 0.3
    assert best["TrainingJobName"].startswith("t-003-")
    assert described["TuningJobCompletionDetails"] == {"NumberOfTrainingJobsObjectiveNotImproving": 6}
    assert described["ConsumedResources"] == {"RuntimeInSeconds": 27}
    assert described["ObjectiveStatusCounters"] == {"Succeeded": 7, "Pending": 0, "Failed": 2}
    listed = tuning_jobs.list_training_jobs_for_tuning_job(context, {**NAME, "SortBy": "FinalObjectiveMetricValue"})
    check_response("sagemaker", "ListTrainingJobsForHyperParameterTuningJob", listed)
    assert listed["TrainingJobSummaries"][0]["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] == 0.6
    assert described["TrainingJobDefinition"]["ResourceConfig"]["InstanceType"] == "ml.m5.large"
    summaries = tuning_jobs.list_tuning_jobs(context, {})
    check_response("sagemaker", "ListHyperParameterTuningJobs", summaries)
    child = training_jobs.describe_training_job(context, {"TrainingJobName": best["TrainingJobName"]})
    check_response("sagemaker", "DescribeTrainingJob", child)
    assert child["TuningJobArn"] == described["HyperParameterTuningJobArn"]


def test_stopping_asks_the_children(context: Context, reconciler: TuningJobReconciler) -> None:
    tuning_jobs.create_tuning_job(context, TUNING)
    reconciler.reconcile()
    assert tuning_jobs.stop_tuning_job(context, NAME) == {}
    reconciler.reconcile()
    children = store.active(context.database)
    assert {child.status for child in children} == {"Stopping"}
    for child in children:
        store.update(
            context.database, child, 9.0, phase="Ended", status="Stopped", secondary_status="Stopped", ended_at=9.0
        )
    reconciler.reconcile()
    assert tuning_jobs.describe_tuning_job(context, NAME)["HyperParameterTuningJobStatus"] == "Stopped"
    with pytest.raises(ValidationException, match="is in status Stopped"):
        tuning_jobs.stop_tuning_job(context, NAME)
