"""Decisions and results of tuning jobs."""

from dataclasses import replace

from local_sagemaker.engine import tuning_job as decisions
from local_sagemaker.engine.tuning_job import Child, Observation, decide

NEW = Observation(stopping=False, max_jobs=3, max_parallel=2, children=(), now=100.0)


def child(number: int, status: str, objective: float | None = None, ended_at: float | None = None) -> Child:
    return Child(f"t-{number}", number, status, objective, ended_at)


def test_jobs_start_until_as_many_run_as_may() -> None:
    assert decide(NEW) == decisions.StartTrainingJob(1)
    one = replace(NEW, children=[child(1, "InProgress")])
    assert decide(one) == decisions.StartTrainingJob(2)
    two = replace(NEW, children=[child(1, "InProgress"), child(2, "InProgress")])
    assert decide(two) == decisions.Wait(None)
    assert decide(replace(two, children=[child(1, "Failed"), child(2, "Stopping")])) == decisions.StartTrainingJob(3)


def test_the_end_comes_when_all_have_ended() -> None:
    last = replace(NEW, children=[child(1, "Completed"), child(2, "Failed"), child(3, "InProgress")])
    assert decide(last) == decisions.Wait(None)
    done = replace(NEW, children=[child(1, "Completed"), child(2, "Failed"), child(3, "Stopped")])
    assert decide(done) == decisions.End("Completed")
    failed = replace(NEW, children=[child(number, "Failed") for number in (1, 2, 3)])
    assert decide(failed) == decisions.End("Failed", decisions.ALL_FAILED)


def test_stopping_stops_children_then_ends() -> None:
    stopping = replace(NEW, stopping=True)
    assert decide(replace(stopping, children=[child(1, "InProgress"), child(2, "Completed")])) == (
        decisions.StopTrainingJobs(["t-1"])
    )
    assert decide(replace(stopping, children=[child(1, "Stopping")])) == decisions.Wait(None)
    assert decide(replace(stopping, children=[child(1, "Stopped")])) == decisions.End("Stopped")
    assert decide(stopping) == decisions.End("Stopped")


def test_the_deadline_stops_it() -> None:
    running = replace(NEW, deadline=110.0, children=[child(1, "InProgress"), child(2, "InProgress")])
    assert decide(running) == decisions.Wait(10.0)
    assert decide(replace(running, now=110.0)) == decisions.StopAll()


def test_best_and_counters() -> None:
    children = [
        child(1, "Completed", 0.5, 10.0),
        child(2, "Failed", 0.1, 11.0),
        child(3, "Completed", 0.2, 12.0),
        child(4, "Stopped", 0.2, 13.0),
        child(5, "Completed", None, 14.0),
        child(6, "InProgress", 0.05),
    ]
    lowest, highest = decisions.best(children, maximize=False), decisions.best(children, maximize=True)
    assert lowest is not None
    assert highest is not None
    assert (lowest.number, highest.number) == (3, 1)
    assert decisions.objective_counters(children) == {"Succeeded": 3, "Pending": 1, "Failed": 2}
    assert decisions.status_counters(children) == {
        "Completed": 3,
        "InProgress": 1,
        "RetryableError": 0,
        "NonRetryableError": 1,
        "Stopped": 1,
    }
    assert decisions.not_improving(children, maximize=False) == 2
    assert decisions.best([], maximize=True) is None


def test_a_child_is_named_and_made_from_the_definition() -> None:
    name = decisions.child_name("tune", 1, 123.4)
    assert name == decisions.child_name("tune", 1, 123.4)
    assert name.startswith("tune-001-")
    assert len(name) == len("tune-001-") + 8
    request = {
        "HyperParameterTuningJobConfig": {"HyperParameterTuningJobObjective": {"MetricName": "loss"}},
        "TrainingJobDefinition": {
            "StaticHyperParameters": {"epochs": "2"},
            "HyperParameterTuningResourceConfig": {"InstanceType": "ml.m5.large"},
            "CheckpointConfig": {"S3Uri": "s3://b/c/"},
            "RoleArn": "role",
        },
    }
    assert decisions.child_request(request, name, {"lr": "0.1"}) == {
        "TrainingJobName": name,
        "RoleArn": "role",
        "ResourceConfig": {"InstanceType": "ml.m5.large"},
        "CheckpointConfig": {"S3Uri": f"s3://b/c/{name}"},
        "HyperParameters": {"_tuning_objective_metric": "loss", "epochs": "2", "lr": "0.1"},
    }
