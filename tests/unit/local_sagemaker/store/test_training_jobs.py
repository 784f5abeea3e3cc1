"""The table of training jobs keeps its promises."""

import sqlite3
from pathlib import Path

import pytest

from local_sagemaker.store import job_metrics, rows, secondary_transitions, tags, training_queue
from local_sagemaker.store import training_jobs as store
from local_sagemaker.store.database import Database
from local_sagemaker.store.job_metrics import Metric
from local_sagemaker.store.training_jobs import IllegalTransition, TrainingJob


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(tmp_path / "db")


def job(name: str = "a") -> TrainingJob:
    return store.new_training_job(name, f"arn:training-job/{name.lower()}", "us-east-1", request={"x": 1}, now=1.0)


def test_what_goes_in_comes_out(database: Database) -> None:
    store.insert(database, job())
    assert store.get(database, "a") == job()
    assert store.get(database, "b") is None
    assert training_queue.count_active(database) == 1
    assert [t.status for t in secondary_transitions.all_of(database, "a")] == ["Starting"]


def test_names_and_arns_are_unique(database: Database) -> None:
    store.insert(database, job())
    assert store.taken(database, "A", "arn:training-job/a")
    for name in ("a", "A"):
        with pytest.raises(sqlite3.IntegrityError):
            store.insert(database, job(name))


def test_a_stale_row_changes_nothing(database: Database) -> None:
    store.insert(database, job())
    first = store.get(database, "a")
    assert first is not None
    store.request_stop(database, first, 2.0)
    with pytest.raises(rows.StaleRow):
        store.update(database, first, 3.0, phase="Downloading", secondary_status="Downloading", status_message="x")
    found = store.get(database, "a")
    assert found is not None
    assert (found.status, found.phase, found.modified_at) == ("Stopping", "Starting", 2.0)
    assert len(secondary_transitions.all_of(database, "a")) == 2


def test_only_legal_transitions(database: Database) -> None:
    store.insert(database, job())
    ended = store.update(
        database,
        job(),
        2.0,
        phase="Ended",
        status="Completed",
        secondary_status="Completed",
        status_message="x",
        ended_at=2.0,
    )
    with pytest.raises(IllegalTransition):
        store.update(database, ended, 3.0, status="Stopping")
    with pytest.raises(IllegalTransition):
        store.update(database, ended, 3.0, phase="Training")
    assert training_queue.count_active(database) == 0


def test_the_table_refuses_what_cannot_be(database: Database) -> None:
    store.insert(database, job())
    with pytest.raises(sqlite3.IntegrityError):  # failed without a reason
        store.update(database, job(), 2.0, phase="Ended", status="Failed", secondary_status="Failed")
    with pytest.raises(sqlite3.IntegrityError):
        store.update(database, job(), 2.0, secondary_status="Dreaming")


def test_transitions_follow_each_other(database: Database) -> None:
    store.insert(database, job())
    store.update(database, job(), 2.0, phase="Downloading", secondary_status="Downloading", status_message="d")
    first, second = secondary_transitions.all_of(database, "a")
    assert (first.ended_at, second.started_at, second.ended_at) == (2.0, 2.0, None)


def test_metrics_and_offset_go_together(database: Database) -> None:
    store.insert(database, job())
    changed = store.add_metrics(database, job(), "algo-1", 10, [Metric("loss", 1.0, 0.5), Metric("loss", 2.0, 0.25)])
    changed = store.add_metrics(database, changed, "algo-1", 20, [Metric("loss", 3.0, None), Metric("acc", 3.0, 0.9)])
    with pytest.raises(rows.StaleRow):
        store.add_metrics(database, job(), "algo-1", 30, [Metric("loss", 4.0, 7.0)])
    assert (changed.log_offsets, changed.modified_at) == ({"algo-1": 20}, 1.0)
    assert [metric.value for metric in job_metrics.all_of(database, "a")] == [0.5, 0.25, None, 0.9]
    assert job_metrics.finals_of(database, "a") == [Metric("acc", 3.0, 0.9), Metric("loss", 3.0, None)]


def test_tags(database: Database) -> None:
    store.insert(database, job())
    arn = job().arn
    tags.put_tags(database, arn, [{"Key": "b", "Value": "1"}, {"Key": "a", "Value": "2"}])
    tags.put_tags(database, arn, [{"Key": "b", "Value": "3"}])
    assert tags.tags_of(database, arn) == [{"Key": "a", "Value": "2"}, {"Key": "b", "Value": "3"}]
    tags.delete_tags(database, arn, ["a", "none"])
    assert tags.tags_of(database, arn) == [{"Key": "b", "Value": "3"}]
    tags.delete_tags(database, arn)
    assert tags.tags_of(database, arn) == []


def test_each_host_has_its_own_offset(database: Database) -> None:
    store.insert(database, job())
    changed = store.add_metrics(database, job(), "algo-2", 7, [Metric("loss", 1.0, 0.5)])
    changed = store.add_metrics(database, changed, "algo-1", 3, [])
    found = store.get(database, "a")
    assert found == changed
    assert changed.log_offsets == {"algo-1": 3, "algo-2": 7}


def test_a_restart_goes_back_and_counts(database: Database) -> None:
    store.insert(database, job())
    running = store.update(database, job(), 2.0, phase="Training", secondary_status="Training", started_at=2.0)
    with pytest.raises(IllegalTransition):
        store.update(database, running, 3.0, phase="Starting")
    again = store.restart(database, running, 3.0, secondary_status="Interrupted", message="spot")
    assert (again.phase, again.attempt, again.retries, again.paused_at) == ("Starting", 2, 0, 3.0)
    again = store.update(database, again, 5.0, phase="Downloading", paused_at=None, paused_seconds=2.0)
    assert store.restart(database, again, 6.0, secondary_status="Restarting", message="lost").retries == 1


def test_run_seconds_leave_out_the_pauses() -> None:
    from dataclasses import replace

    ended = replace(job(), started_at=10.0, ended_at=30.0, paused_seconds=5.0)
    assert ended.run_seconds == 15.0
    assert replace(ended, paused_at=28.0).run_seconds == 13.0
    assert job().run_seconds is None


def test_of_many_waiting_jobs_only_those_are_read_that_can_go_on(database: Database) -> None:
    for number in range(30):
        several = {"ResourceConfig": {"InstanceCount": 2 if number == 0 else 1}}
        wait = {"StoppingCondition": {"MaxWaitTimeInSeconds": 50 + number}} if number >= 28 else {}
        name = f"job-{number:02d}"
        waiting = store.new_training_job(name, name, "r", request={**several, **wait}, now=float(number))
        store.insert(database, waiting)
    assert len(training_queue.waiting(database, 30.0, free=0, several_hosts=True)) == 30  # each is new, once

    for found in training_queue.waiting(database, 30.0, free=0, several_hosts=True):
        store.update(database, found, 30.0, secondary_status="Pending", status_message="w")
    assert training_queue.waiting(database, 30.0, free=0, several_hosts=True) == []
    names = [found.name for found in training_queue.waiting(database, 30.0, free=2, several_hosts=True)]
    assert names == ["job-00", "job-01"]
    names = [found.name for found in training_queue.waiting(database, 30.0, free=2, several_hosts=False)]
    assert names == ["job-01", "job-02"]

    stopped = store.get(database, "job-20")
    assert stopped is not None
    store.request_stop(database, stopped, 31.0)
    names = [found.name for found in training_queue.waiting(database, 106.5, free=0, several_hosts=True)]
    assert names == ["job-20", "job-28"]
    assert training_queue.next_wait_until(database) == 28 + 78.0
    assert training_queue.running(database) == []
