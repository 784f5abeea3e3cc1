"""The training jobs of a tuning job as their tuning job sees them: without their requests.

They are rows of training_jobs and job_metrics; store/training_jobs.py writes them.
"""

import json
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from local_sagemaker.store.database import Database


@dataclass(frozen=True)
class Child:
    """A training job of a tuning job. `number` is 1, 2, ...; times are epoch seconds.

    `objective` is the last value of its objective metric: None without one, or when that was nan or infinite.
    """

    name: str
    number: int
    status: str
    objective: float | None = None
    ended_at: float | None = None
    arn: str = ""
    created_at: float = 0.0
    modified_at: float = 0.0
    started_at: float | None = None
    failure_reason: str | None = None
    tuned: str = "{}"

    @property
    def values(self) -> dict[str, str]:
        """The tuned hyperparameters and their values."""
        values: dict[str, str] = json.loads(self.tuned)
        return values


@dataclass(frozen=True)
class Objectives:
    """The objective metrics of a tuning job: all names there are, and which one belongs to the child of a number."""

    names: Sequence[str]
    of: Callable[[int], str]


# One row a child and objective metric; the row of the child's own metric is kept.
_CHILDREN = """
    SELECT job.name, job.tuning_number AS number, job.status, job.ended_at, job.arn, job.created_at, job.modified_at,
        job.started_at, job.failure_reason, coalesce(job.tuned, '{}') AS tuned, objective.value AS metric,
        (SELECT value FROM job_metrics WHERE job_name = job.name AND name = objective.value ORDER BY id DESC LIMIT 1)
        AS objective
    FROM training_jobs AS job, json_each(:objectives) AS objective WHERE job.tuning_job_name = :tuning_job
"""


def children(database: Database, tuning_job_name: str, objectives: Objectives) -> list[Child]:
    """All of them, in order of their numbers."""
    return _select(database, f"{_CHILDREN} ORDER BY number", tuning_job_name, objectives)


def active(database: Database, tuning_job_name: str, objectives: Objectives) -> list[Child]:
    """Those that have not ended, in order of their numbers."""
    return _select(database, f"{_CHILDREN} AND job.phase <> 'Ended' ORDER BY number", tuning_job_name, objectives)


def numbered(database: Database, tuning_job_name: str, numbers: Iterable[int], objectives: Objectives) -> list[Child]:
    """Those with these numbers, in order."""
    chosen = "AND job.tuning_number IN (SELECT value FROM json_each(:numbers))"
    wanted = json.dumps(list(numbers))
    return _select(database, f"{_CHILDREN} {chosen} ORDER BY number", tuning_job_name, objectives, numbers=wanted)


def last_number(database: Database, tuning_job_name: str) -> int:
    """How many were started."""
    found = database.connection.execute(
        "SELECT coalesce(max(tuning_number), 0) FROM training_jobs WHERE tuning_job_name = ?", (tuning_job_name,)
    )
    return int(found.fetchone()[0])


def values_after(database: Database, name: str, metric: str, place: int) -> list[tuple[int, float | None]]:
    """A training job's values of a metric with their places behind `place`; places grow over all training jobs.

    A value is None when it was nan or infinite.
    """
    found = database.connection.execute(
        "SELECT id, value FROM job_metrics WHERE job_name = ? AND name = ? AND id > ? ORDER BY id",
        (name, metric, place),
    )
    return [(int(row[0]), row[1]) for row in found]


def _select(database: Database, sql: str, tuning_job_name: str, objectives: Objectives, **more: Any) -> list[Child]:
    named = {"tuning_job": tuning_job_name, "objectives": json.dumps(list(objectives.names)), **more}
    return [
        _child(row) for row in database.connection.execute(sql, named) if row["metric"] == objectives.of(row["number"])
    ]


def _child(row: sqlite3.Row) -> Child:
    columns = dict(row)
    del columns["metric"]
    return Child(**columns)
