"""Operations on tuning jobs, with the reconciler but without any process."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from local_sagemaker.engine.loop import Background
from local_sagemaker.engine.tuning.jobs import TuningJobReconciler
from local_sagemaker.errors import ResourceInUse, ResourceNotFound, ValidationException
from local_sagemaker.operations.context import Context
from local_sagemaker.operations.jobs import training_jobs, tuning_jobs
from local_sagemaker.runtime.objects import Objects
from local_sagemaker.store import training_jobs as store
from local_sagemaker.store.job_metrics import Metric
from tests.unit.local_sagemaker.operations.job_requests import check_response, make_context
from tests.unit.local_sagemaker.operations.test_job_rules import SCRIPT
from tests.unit.local_sagemaker.operations.test_tuning_job_rules import CONFIG, RANGES, TUNING, several, with_changes

NAME = {"HyperParameterTuningJobName": "t"}
LIMITS = f"{CONFIG}.ResourceLimits"
CRITERIA = f"{CONFIG}.TuningJobCompletionCriteria"


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return make_context(tmp_path)


def new_reconciler(context: Context) -> TuningJobReconciler:
    objects = Objects("", context.settings.buckets_dir)
    return TuningJobReconciler(context.settings, context.database, Background(context.wake_engine.set), objects)


@pytest.fixture
def reconciler(context: Context) -> TuningJobReconciler:
    return new_reconciler(context)


def all_jobs(context: Context) -> list[store.TrainingJob]:
    return [store.from_row(row) for row in context.database.connection.execute("SELECT * FROM training_jobs")]


def active(context: Context) -> list[store.TrainingJob]:
    """Training jobs that have not ended, in the order of their starts."""
    found = [job for job in all_jobs(context) if job.phase != "Ended"]
    return sorted(found, key=lambda job: job.tuning_number or 0)


def emit(context: Context, name: str, *losses: float | None, metric: str = "loss") -> None:
    """Let a training job write values of its objective."""
    job = store.get(context.database, name)
    assert job is not None
    if job.phase == "Starting":
        job = store.update(context.database, job, job.created_at, phase="Training", started_at=job.created_at)
    values = [Metric(metric, 5.0, loss) for loss in losses]
    store.update(context.database, job, job.modified_at, metrics=values)


def end(context: Context, name: str, status: str, reason: str | None = None) -> None:
    """Let a training job end, later than those before."""
    job = store.get(context.database, name)
    assert job is not None
    ended = [other.ended_at for other in all_jobs(context) if other.ended_at]
    ended_at = max([*ended, job.created_at]) + 1
    store.update(
        context.database,
        job,
        ended_at,
        phase="Ended",
        status=status,
        secondary_status=status,
        status_message="x",
        failure_reason=reason or ("AlgorithmError" if status == "Failed" else None),
        ended_at=ended_at,
    )


def create(context: Context, changes: dict[str, Any] | None = None, members: dict[str, Any] = TUNING) -> None:
    check_response(
        "sagemaker",
        "CreateHyperParameterTuningJob",
        tuning_jobs.create_tuning_job(context, with_changes(members, changes or {})),
    )


def describe(context: Context, name: str = "t") -> dict[str, Any]:
    described = tuning_jobs.describe_tuning_job(context, {"HyperParameterTuningJobName": name})
    check_response("sagemaker", "DescribeHyperParameterTuningJob", described)
    return described


def children(context: Context, **asked: Any) -> list[dict[str, Any]]:
    listed = tuning_jobs.list_training_jobs_for_tuning_job(context, {**NAME, "MaxResults": 100, **asked})
    check_response("sagemaker", "ListTrainingJobsForHyperParameterTuningJob", listed)
    summaries: list[dict[str, Any]] = listed["TrainingJobSummaries"]
    return summaries


def run(context: Context, reconcile: Callable[[], object], losses: Sequence[float | None]) -> None:
    """Let training jobs complete with these final values, the oldest that runs each time."""
    for loss in losses:
        reconcile()
        name = active(context)[0].name
        emit(context, name, *([] if loss is None else [loss]))
        end(context, name, "Completed")
    reconcile()


def test_from_creation_to_the_end(context: Context, reconciler: TuningJobReconciler) -> None:
    create(context)
    with pytest.raises(ResourceInUse, match=r"job with the name, t, already exists\. Choose a different name"):
        tuning_jobs.create_tuning_job(context, TUNING)
    assert describe(context)["BestTrainingJob"] is None

    outcomes: list[tuple[str, float | None]] = [("Completed", 0.5), ("Failed", 0.1), ("Completed", 0.3)]
    outcomes += [("Completed", None), ("Stopped", 0.4)] + [("Completed", 0.6)] * 4
    for status, loss in outcomes:
        assert reconciler.reconcile() is None
        running = active(context)
        assert 1 <= len(running) <= 3
        emit(context, running[0].name, *([] if loss is None else [loss]))
        end(context, running[0].name, status)
    assert reconciler.reconcile() is None
    described = describe(context)
    assert described["HyperParameterTuningJobStatus"] == "Completed"
    best = described["BestTrainingJob"]
    assert best["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] == 0.3
    assert best["TrainingJobName"].startswith("t-003-")
    assert described["TuningJobCompletionDetails"] == {"NumberOfTrainingJobsObjectiveNotImproving": 5}
    assert described["ConsumedResources"]["RuntimeInSeconds"] >= 0
    assert described["ObjectiveStatusCounters"] == {"Succeeded": 7, "Pending": 0, "Failed": 2}
    assert "OverallBestTrainingJob" not in described
    assert described["TrainingJobDefinition"]["ResourceConfig"]["InstanceType"] == "ml.m5.large"
    summaries = tuning_jobs.list_tuning_jobs(context, {})
    check_response("sagemaker", "ListHyperParameterTuningJobs", summaries)
    assert summaries["HyperParameterTuningJobSummaries"][0]["ObjectiveStatusCounters"]["Failed"] == 2
    child = training_jobs.describe_training_job(context, {"TrainingJobName": best["TrainingJobName"]})
    check_response("sagemaker", "DescribeTrainingJob", child)
    assert child["TuningJobArn"] == described["HyperParameterTuningJobArn"]


def test_lists_of_training_jobs(context: Context, reconciler: TuningJobReconciler) -> None:
    create(context, {f"{LIMITS}.MaxNumberOfTrainingJobs": 4})
    run(context, reconciler.reconcile, [0.3, 0.1, None, 0.2])
    by_value = children(context, SortBy="FinalObjectiveMetricValue", SortOrder="Ascending")
    assert [child["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] for child in by_value] == [0.1, 0.2, 0.3]
    assert [child["TrainingJobName"][:5] for child in children(context)] == ["t-004", "t-003", "t-002", "t-001"]
    assert children(context, StatusEquals="Failed") == []
    page = tuning_jobs.list_training_jobs_for_tuning_job(context, {**NAME, "MaxResults": 3})
    assert len(page["TrainingJobSummaries"]) == 3
    rest = tuning_jobs.list_training_jobs_for_tuning_job(
        context, {**NAME, "MaxResults": 3, "NextToken": page["NextToken"]}
    )
    assert [child["TrainingJobName"][:5] for child in rest["TrainingJobSummaries"]] == ["t-001"]


def test_stopping_asks_the_children(context: Context, reconciler: TuningJobReconciler) -> None:
    create(context)
    reconciler.reconcile()
    assert tuning_jobs.stop_tuning_job(context, NAME) == {}
    reconciler.reconcile()
    running = active(context)
    assert {child.status for child in running} == {"Stopping"}
    for child in running:
        end(context, child.name, "Stopped")
    reconciler.reconcile()
    assert describe(context)["HyperParameterTuningJobStatus"] == "Stopped"
    with pytest.raises(ValidationException, match="is in status Stopped"):
        tuning_jobs.stop_tuning_job(context, NAME)
    with pytest.raises(ResourceNotFound, match="can't find a tuning job called nobody"):
        tuning_jobs.stop_tuning_job(context, {"HyperParameterTuningJobName": "nobody"})


def test_retryable_errors_are_counted_apart(context: Context, reconciler: TuningJobReconciler) -> None:
    create(context)
    reconciler.reconcile()
    end(context, active(context)[0].name, "Failed", "InternalServerError: lost")
    end(context, active(context)[0].name, "Failed", "AlgorithmError: no")
    counters = describe(context)["TrainingJobStatusCounters"]
    assert (counters["RetryableError"], counters["NonRetryableError"]) == (1, 1)


GRID = {"CategoricalParameterRanges": [{"Name": "x", "Values": ["1", "2"]}, {"Name": "y", "Values": ['"a"', '"b"']}]}


def test_a_grid_is_as_large_as_its_combinations(context: Context, reconciler: TuningJobReconciler) -> None:
    create(context, {f"{CONFIG}.Strategy": "Grid", RANGES: GRID, LIMITS: {"MaxParallelTrainingJobs": 1}})
    assert describe(context)[CONFIG]["ResourceLimits"]["MaxNumberOfTrainingJobs"] == 4
    run(context, reconciler.reconcile, [1.0, 2.0, 3.0, 4.0])
    tuned = [child["TunedHyperParameters"] for child in reversed(children(context))]
    assert tuned == [{"x": x, "y": y} for x in ("1", "2") for y in ('"a"', '"b"')]
    assert describe(context)["HyperParameterTuningJobStatus"] == "Completed"


@pytest.mark.parametrize(
    ("criteria", "losses"),
    [
        ({"TargetObjectiveMetricValue": 0.2}, [0.5, 0.2]),
        ({"BestObjectiveNotImproving": {"MaxNumberOfTrainingJobsNotImproving": 3}}, [0.5, 0.6, 0.499, 0.7]),
        ({"ConvergenceDetected": {"CompleteOnConvergence": "Enabled"}}, [0.5] * 11),
    ],
)
def test_completion_criteria_stop_what_runs(context: Context, criteria: dict[str, Any], losses: list[float]) -> None:
    create(context, {LIMITS: {"MaxParallelTrainingJobs": 2}, CRITERIA: criteria})
    assert describe(context)[CONFIG]["ResourceLimits"]["MaxNumberOfTrainingJobs"] == 750
    run(context, lambda: new_reconciler(context).reconcile(), losses)  # as after a crash each time
    [running] = active(context)
    assert running.status == "Stopping"
    assert describe(context)["HyperParameterTuningJobStatus"] == "InProgress"
    end(context, running.name, "Stopped")
    new_reconciler(context).reconcile()
    described = describe(context)
    assert described["HyperParameterTuningJobStatus"] == "Completed"
    assert ("ConvergenceDetectedTime" in described["TuningJobCompletionDetails"]) == (len(losses) > 10)


def test_early_stopping_stops_what_is_worse_than_the_median(context: Context, reconciler: TuningJobReconciler) -> None:
    create(context, {f"{CONFIG}.TrainingJobEarlyStoppingType": "Auto"})
    for losses in ([0.5, 0.4, 0.3], [0.6, 0.5, 0.4], [0.7, 0.6, 0.5]):
        reconciler.reconcile()
        name = active(context)[0].name
        emit(context, name, *losses)
        end(context, name, "Completed")
    reconciler.reconcile()
    good, bad, silent = (child.name for child in active(context))
    emit(context, good, 0.55)
    emit(context, bad, 0.65)
    reconciler.reconcile()
    assert [child.name for child in active(context) if child.status == "Stopping"] == [bad]
    emit(context, good, 0.9)  # worse than 0.55, the median of the averages of two epochs
    new_reconciler(context).reconcile()  # another process comes to the same
    assert {child.name for child in active(context) if child.status == "InProgress"} == {silent}
    end(context, bad, "Stopped")
    reconciler.reconcile()
    summary = next(child for child in children(context) if child["TrainingJobName"] == bad)
    assert (summary["TrainingJobStatus"], summary["ObjectiveStatus"]) == ("Stopped", "Succeeded")
    assert summary["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] == 0.65


HYPERBAND = {
    f"{CONFIG}.Strategy": "Hyperband",
    f"{CONFIG}.StrategyConfig": {"HyperbandStrategyConfig": {"MaxResource": 3}},
    LIMITS: {"MaxNumberOfTrainingJobs": 9, "MaxParallelTrainingJobs": 6},
}


def test_hyperband_stops_at_rungs_and_at_the_end(context: Context, reconciler: TuningJobReconciler) -> None:
    create(context, HYPERBAND)
    described = describe(context)
    assert described[CONFIG]["StrategyConfig"] == {"HyperbandStrategyConfig": {"MinResource": 1, "MaxResource": 3}}
    reconciler.reconcile()
    names = [child.name for child in active(context)]
    # Three jobs are in the strictest bracket, with a rung at epoch 1; two in the next, which runs to the end.
    for name, loss in zip(names[:3], (0.5, 0.6, 0.7), strict=True):
        emit(context, name, loss)
    emit(context, names[3], 0.9, 0.9)
    reconciler.reconcile()
    assert [child.name for child in active(context) if child.status == "Stopping"] == [names[2]]
    emit(context, names[3], 0.9)
    new_reconciler(context).reconcile()
    stopping = {child.name for child in active(context) if child.status == "Stopping"}
    assert stopping == {names[2], names[3]}


def test_hyperband_leaves_a_script_alone_that_ends_by_itself(context: Context, reconciler: TuningJobReconciler) -> None:
    static = {"TrainingJobDefinition.StaticHyperParameters": {**SCRIPT, "epochs": "3"}}
    create(context, {**HYPERBAND, **static, f"{CONFIG}.StrategyConfig": {}})
    reconciler.reconcile()
    name = active(context)[3].name
    emit(context, name, 0.9, 0.9, 0.9)
    reconciler.reconcile()
    assert {child.status for child in active(context)} == {"InProgress"}
    emit(context, name, 0.9)  # it goes on all the same
    reconciler.reconcile()
    assert [child.name for child in active(context) if child.status == "Stopping"] == [name]


def test_several_definitions_take_turns(context: Context, reconciler: TuningJobReconciler) -> None:
    other = several(
        **{
            "TuningObjective.MetricName": "auc",
            "AlgorithmSpecification.MetricDefinitions": [{"Name": "auc", "Regex": "auc=(.*)"}],
            "HyperParameterRanges": GRID,
        }
    )
    create(context, {LIMITS: {"MaxNumberOfTrainingJobs": 4, "MaxParallelTrainingJobs": 4}}, other)
    reconciler.reconcile()
    jobs = active(context)
    for job, loss in zip(jobs, (0.5, 0.4, 0.3, 0.6), strict=True):
        objective = job.request["HyperParameters"]["_tuning_objective_metric"]
        emit(context, job.name, loss, metric=objective)
        emit(context, job.name, 0.01, metric="auc" if objective == "loss" else "loss")  # not its objective
        end(context, job.name, "Completed")
    reconciler.reconcile()
    listed = list(reversed(children(context)))
    assert [child["TrainingJobDefinitionName"] for child in listed] == ["a", "b", "a", "b"]
    assert [sorted(child["TunedHyperParameters"]) for child in listed] == [["batch-size", "lr"], ["x", "y"]] * 2
    finals = [child["FinalHyperParameterTuningJobObjectiveMetric"] for child in listed]
    assert [(final["MetricName"], final["Value"]) for final in finals] == [
        ("loss", 0.5),
        ("auc", 0.4),
        ("loss", 0.3),
        ("auc", 0.6),
    ]
    described = describe(context)
    assert described["HyperParameterTuningJobStatus"] == "Completed"
    assert described["BestTrainingJob"]["TrainingJobDefinitionName"] == "a"
    assert "TrainingJobDefinition" not in described
    assert [shown["DefinitionName"] for shown in described["TrainingJobDefinitions"]] == ["a", "b"]
    assert "ParameterRanges" not in described[CONFIG]


def warm(kind: str, *parents: str) -> dict[str, Any]:
    names = [{"HyperParameterTuningJobName": name} for name in parents]
    return {
        **TUNING,
        "HyperParameterTuningJobName": "warm",
        "WarmStartConfig": {"WarmStartType": kind, "ParentHyperParameterTuningJobs": names},
    }


@pytest.mark.parametrize("kind", ["IdenticalDataAndAlgorithm", "TransferLearning"])
def test_warm_start_learns_from_its_parents(context: Context, reconciler: TuningJobReconciler, kind: str) -> None:
    create(context, {f"{LIMITS}.MaxNumberOfTrainingJobs": 6})
    with pytest.raises(ValidationException, match="t is in status InProgress"):
        create(context, members=warm(kind, "t"))
    run(context, reconciler.reconcile, [0.5, 0.4, 0.3, 0.6, None, 0.7])
    seeded = {f"{CONFIG}.RandomSeed": 3}
    create(context, seeded, warm(kind, "t"))
    create(context, {**seeded, "HyperParameterTuningJobName": "cold"})
    reconciler.reconcile()
    first = {job.tuning_job_name: job.tuned for job in active(context) if job.tuning_number == 1}
    assert first["warm"] != first["cold"]

    described = describe(context, "warm")
    assert described["WarmStartConfig"]["WarmStartType"] == kind
    assert described["BestTrainingJob"] is None
    overall = described.get("OverallBestTrainingJob")
    if kind == "TransferLearning":
        assert overall is None
        return
    assert overall is not None
    assert overall["TrainingJobName"].startswith("t-003-")
    assert overall["TuningJobName"] == "t"
    name = next(job.name for job in active(context) if job.tuning_job_name == "warm")
    emit(context, name, 0.1)
    end(context, name, "Completed")
    overall = describe(context, "warm")["OverallBestTrainingJob"]
    assert (overall["TrainingJobName"], overall["TuningJobName"]) == (name, "warm")


def test_the_search_goes_on_after_a_crash_as_it_would_have(context: Context, tmp_path: Path) -> None:
    def tuned(context: Context, *, crash: bool) -> list[dict[str, str]]:
        create(context, {f"{CONFIG}.RandomSeed": 7, f"{LIMITS}.MaxParallelTrainingJobs": 2})
        lasting = new_reconciler(context)
        reconcile = (lambda: new_reconciler(context).reconcile()) if crash else lasting.reconcile
        run(context, reconcile, [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1])
        return [child["TunedHyperParameters"] for child in children(context)]

    assert tuned(context, crash=True) == tuned(make_context(tmp_path / "other"), crash=False)
