"""The metrics that training jobs wrote to their logs."""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass

from local_sagemaker.store.database import Database


@dataclass(frozen=True)
class Metric:
    """One value read from a log; None is a value that was nan or infinite."""

    name: str
    timestamp: float
    value: float | None


def add(connection: sqlite3.Connection, job_name: str, metrics: Iterable[Metric]) -> None:
    """Keep metrics, as a part of the caller's transaction."""
    connection.executemany(
        "INSERT INTO job_metrics (job_name, name, timestamp, value) VALUES (?, ?, ?, ?)",
        [(job_name, metric.name, metric.timestamp, metric.value) for metric in metrics],
    )


def all_of(database: Database, name: str) -> list[Metric]:
    """All metrics of the job in order of the log."""
    found = database.connection.execute(
        "SELECT name, timestamp, value FROM job_metrics WHERE job_name = ? ORDER BY id", (name,)
    )
    return [Metric(**row) for row in found]


def finals_of(database: Database, name: str) -> list[Metric]:
    """The last value of each metric."""
    found = database.connection.execute(
        "SELECT name, timestamp, value FROM job_metrics WHERE id IN"
        " (SELECT max(id) FROM job_metrics WHERE job_name = ? GROUP BY name) ORDER BY name",
        (name,),
    )
    return [Metric(**row) for row in found]
