"""The table of tuning jobs."""

import sqlite3
from pathlib import Path

import pytest

from local_sagemaker.store import training_jobs
from local_sagemaker.store import tuning_jobs as store
from local_sagemaker.store.database import Database


def test_life_of_a_row(tmp_path: Path) -> None:
    database = Database(tmp_path / "db")
    job = store.new_tuning_job("t", "arn:t", "us-east-1", request={}, seed=5, now=1.0)
    store.insert(database, job)
    assert store.get(database, "t") == job
    assert store.active(database) == [job]
    stopping = store.update(database, job, 2.0, status="Stopping")
    with pytest.raises(store.IllegalTransition):
        store.update(database, stopping, 3.0, status="Completed")
    stopped = store.update(database, stopping, 3.0, status="Stopped", ended_at=3.0)
    assert store.get(database, "t") == stopped
    assert store.active(database) == []
    with pytest.raises(sqlite3.IntegrityError):
        store.insert(database, job)


def test_a_number_is_given_once(tmp_path: Path) -> None:
    database = Database(tmp_path / "db")
    store.insert(database, store.new_tuning_job("t", "arn:t", "us-east-1", request={}, seed=5, now=1.0))
    for name in ("a", "b"):
        child = training_jobs.new_training_job(
            name,
            f"arn:{name}",
            "us-east-1",
            request={},
            now=1.0,
            tuning_job_name="t",
            tuning_number=1,
            tuned={"lr": "1"},
        )
        if name == "a":
            training_jobs.insert(database, child)
            assert training_jobs.get(database, name) == child
        else:
            with pytest.raises(sqlite3.IntegrityError):
                training_jobs.insert(database, child)
