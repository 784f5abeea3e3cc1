"""Transactions: all or nothing, and one writer at a time."""

import sqlite3
import threading
from pathlib import Path

import pytest

from local_sagemaker.store import job_metrics, training_jobs
from local_sagemaker.store.database import SCHEMA_DIR, Database, NewerState


@pytest.fixture
def database(tmp_path: Path) -> Database:
    """A database with a table of its own."""
    database = Database(tmp_path / "x.db")
    with database.transaction() as connection:
        connection.execute("CREATE TABLE counter (value INTEGER NOT NULL)")
        connection.execute("INSERT INTO counter VALUES (0)")
    return database


def value(database: Database) -> int:
    """The counter."""
    return int(database.connection.execute("SELECT value FROM counter").fetchone()["value"])


def test_a_block_that_raises_leaves_nothing(database: Database) -> None:
    with pytest.raises(RuntimeError, match="boom"), database.transaction() as connection:
        connection.execute("UPDATE counter SET value = 7")
        raise RuntimeError("boom")
    assert value(database) == 0


def test_an_inner_block_is_part_of_the_outer(database: Database) -> None:
    with pytest.raises(RuntimeError, match="boom"), database.transaction():
        with database.transaction() as connection:
            connection.execute("UPDATE counter SET value = 7")
        raise RuntimeError("boom")
    assert value(database) == 0


def test_what_a_writer_reads_is_still_true_when_it_writes(database: Database) -> None:
    def add() -> None:
        for _ in range(50):
            with database.transaction() as connection:
                before = connection.execute("SELECT value FROM counter").fetchone()["value"]
                connection.execute("UPDATE counter SET value = ?", (before + 1,))
        database.connection.close()

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert value(database) == 200


def test_opening_again_keeps_what_is_there(database: Database, tmp_path: Path) -> None:
    with database.transaction() as connection:
        connection.execute("UPDATE counter SET value = 5")
    assert value(Database(tmp_path / "x.db")) == 5


def test_state_from_before_versions_were_counted_is_brought_up_to_date(tmp_path: Path) -> None:
    first = sqlite3.connect(tmp_path / "old.db")
    first.executescript((SCHEMA_DIR / "001_first.sql").read_text())
    first.execute(
        "INSERT INTO training_jobs"
        " (name, arn, region, request, status, secondary_status, phase, created_at, modified_at, log_offset) VALUES"
        " ('old', 'arn:old', 'us-east-1', '{}', 'InProgress', 'Training', 'Training', 1.0, 2.0, 17)"
    )
    first.execute("INSERT INTO job_metrics (job_name, name, timestamp, value) VALUES ('old', 'loss', 1.5, 0.25)")
    first.commit()
    first.close()
    database = Database(tmp_path / "old.db")
    (version,) = database.connection.execute("PRAGMA user_version").fetchone()
    assert version == len(list(SCHEMA_DIR.glob("*.sql")))
    job = training_jobs.get(database, "old")
    assert job is not None
    assert (job.phase, job.created_at, job.log_offsets) == ("Training", 1.0, {"algo-1": 17})
    assert [metric.value for metric in job_metrics.all_of(database, "old")] == [0.25]
    assert database.connection.execute("PRAGMA foreign_key_check").fetchall() == []


def test_state_of_a_newer_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    Database(tmp_path / "new.db").connection.execute("PRAGMA user_version = 9999")
    with pytest.raises(NewerState, match=r"newer local_sagemaker.*9999.*LOCAL_SAGEMAKER_STATE_DIR"):
        Database(tmp_path / "new.db")
    assert sqlite3.connect(tmp_path / "new.db").execute("PRAGMA user_version").fetchone() == (9999,)


def test_the_scripts_are_numbered_without_a_gap() -> None:
    numbers = [int(script.name[:3]) for script in sorted(SCHEMA_DIR.glob("*.sql"))]
    assert numbers == list(range(1, len(numbers) + 1))
