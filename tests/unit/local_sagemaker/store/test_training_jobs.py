"""The table of training jobs keeps its promises."""

import sqlite3
from pathlib import Path

import pytest

from local_sagemaker.store import rows, tags
from local_sagemaker.store import training_jobs as store
from local_sagemaker.store.database import Database
from local_sagemaker.store.training_jobs import IllegalTransition, Metric, TrainingJob


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(tmp_path / "db")


def job(name: str = "a") -> TrainingJob:
    return store.new_training_job(name, f"arn:training-job/{name.lower()}", "us-east-1", request={"x": 1}, now=1.0)


def test_what_goes_in_comes_out(database: Database) -> None:
    store.insert(database, job())
    assert store.get(database, "a") == job()
    assert store.get(database, "b") is None
    assert store.active(database) == [job()]
    assert [t.status for t in store.transitions(database, "a")] == ["Starting"]


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
    assert len(store.transitions(database, "a")) == 2


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
    assert store.active(database) == []


def test_the_table_refuses_what_cannot_be(database: Database) -> None:
    store.insert(database, job())
    with pytest.raises(sqlite3.IntegrityError):  # failed without a reason
        store.update(database, job(), 2.0, phase="Ended", status="Failed", secondary_status="Failed")
    with pytest.raises(sqlite3.IntegrityError):
        store.update(database, job(), 2.0, secondary_status="Dreaming")


def test_transitions_follow_each_other(database: Database) -> None:
    store.insert(database, job())
    store.update(database, job(), 2.0, phase="Downloading", secondary_status="Downloading", status_message="d")
    first, second = store.transitions(database, "a")
    assert (first.ended_at, second.started_at, second.ended_at) == (2.0, 2.0, None)


def test_metrics_and_offset_go_together(database: Database) -> None:
    store.insert(database, job())
    changed = store.add_metrics(database, job(), 10, [Metric("loss", 1.0, 0.5), Metric("loss", 2.0, 0.25)])
    changed = store.add_metrics(database, changed, 20, [Metric("loss", 3.0, None), Metric("acc", 3.0, 0.9)])
    with pytest.raises(rows.StaleRow):
        store.add_metrics(database, job(), 30, [Metric("loss", 4.0, 7.0)])
    assert (changed.log_offset, changed.modified_at) == (20, 1.0)
    assert [metric.value for metric in store.metrics_of(database, "a")] == [0.5, 0.25, None, 0.9]
    assert store.final_metrics(database, "a") == [Metric("acc", 3.0, 0.9), Metric("loss", 3.0, None)]


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
