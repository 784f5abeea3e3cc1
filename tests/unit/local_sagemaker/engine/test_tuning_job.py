"""Decisions on tuning jobs."""

from dataclasses import replace

from local_sagemaker.engine.loop import Wait
from local_sagemaker.engine.tuning import job as decisions
from local_sagemaker.engine.tuning.job import Observation, decide
from local_sagemaker.store.tuning_children import Child

NEW = Observation(stopping=False, max_jobs=3, max_parallel=2, started=0, active=(), ended=(), now=100.0)


def child(number: int, status: str) -> Child:
    return Child(f"t-{number}", number, status)


def seen(observation: Observation, *children: Child) -> Observation:
    active = [child for child in children if child.status in {"InProgress", "Stopping"}]
    ended = [child for child in children if child not in active]
    return replace(observation, started=len(children), active=active, ended=ended)


def test_jobs_start_until_as_many_run_as_may() -> None:
    assert decide(NEW) == decisions.StartTrainingJob(1)
    assert decide(seen(NEW, child(1, "InProgress"))) == decisions.StartTrainingJob(2)
    two = seen(NEW, child(1, "InProgress"), child(2, "InProgress"))
    assert decide(two) == Wait(None)
    assert decide(seen(NEW, child(1, "Failed"), child(2, "Stopping"))) == decisions.StartTrainingJob(3)


def test_the_end_comes_when_all_have_ended() -> None:
    last = seen(NEW, child(1, "Completed"), child(2, "Failed"), child(3, "InProgress"))
    assert decide(last) == Wait(None)
    done = seen(NEW, child(1, "Completed"), child(2, "Failed"), child(3, "Stopped"))
    assert decide(done) == decisions.End("Completed")
    failed = seen(NEW, *(child(number, "Failed") for number in (1, 2, 3)))
    assert decide(failed) == decisions.End("Failed", decisions.ALL_FAILED)


def test_it_gives_up_when_the_first_five_failed() -> None:
    long = replace(NEW, max_jobs=9)
    failed = [child(number, "Failed") for number in range(1, 6)]
    assert decide(seen(long, *failed[:4])) == decisions.StartTrainingJob(5)
    assert decide(seen(long, *failed, child(6, "InProgress"))) == Wait(None)
    assert decide(seen(long, *failed)) == decisions.End("Failed", decisions.NONE_SUCCEEDED)
    assert decide(seen(long, *failed, child(6, "Completed"))) == decisions.StartTrainingJob(7)


def test_a_deleted_training_job_is_not_started_again() -> None:
    assert decide(replace(seen(NEW, child(1, "Completed")), started=2)) == decisions.StartTrainingJob(3)


def test_stopping_stops_children_then_ends() -> None:
    stopping = replace(NEW, stopping=True)
    assert decide(seen(stopping, child(1, "InProgress"), child(2, "Completed"))) == decisions.StopTrainingJobs(["t-1"])
    assert decide(seen(stopping, child(1, "Stopping"))) == Wait(None)
    assert decide(seen(stopping, child(1, "Stopped"))) == decisions.End("Stopped")
    assert decide(stopping) == decisions.End("Stopped")


def test_a_completion_criterion_stops_children_then_completes() -> None:
    met = replace(NEW, completed=True)
    assert decide(seen(met, child(1, "Completed"), child(2, "InProgress"))) == decisions.StopTrainingJobs(["t-2"])
    assert decide(seen(met, child(1, "Completed"), child(2, "Stopping"))) == Wait(None)
    assert decide(seen(met, child(1, "Completed"), child(2, "Stopped"))) == decisions.End("Completed")


def test_underperforming_children_are_stopped_before_others_start() -> None:
    slow = replace(seen(NEW, child(1, "InProgress")), underperforming=["t-1"])
    assert decide(slow) == decisions.StopTrainingJobs(["t-1"])


def test_the_deadline_stops_it() -> None:
    running = replace(seen(NEW, child(1, "InProgress"), child(2, "InProgress")), deadline=110.0)
    assert decide(running) == Wait(10.0)
    assert decide(replace(running, now=110.0)) == decisions.StopAll()
