"""Transactions: all or nothing, and one writer at a time."""

import threading
from pathlib import Path

import pytest

from local_sagemaker.store.database import Database


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
