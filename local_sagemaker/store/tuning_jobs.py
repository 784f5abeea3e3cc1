"""Hyperparameter tuning jobs: what was asked for and how each stands. Their training jobs are rows of training_jobs."""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from local_sagemaker.store import rows
from local_sagemaker.store.database import Database

ACTIVE = ("InProgress", "Stopping")

PREDECESSORS: Mapping[str, tuple[str, ...]] = {
    "InProgress": (),
    "Stopping": ("InProgress",),
    "Completed": ("InProgress",),
    "Failed": ("InProgress",),
    "Stopped": ("InProgress", "Stopping"),
}


class IllegalTransition(Exception):
    """A change that no tuning job can go through: a fault of the caller."""


@dataclass(frozen=True)
class TuningJob:
    """A row. `seed` is RandomSeed, or what was drawn at creation when none was given."""

    name: str
    arn: str
    region: str
    request: dict[str, Any]
    status: str
    failure_reason: str | None
    seed: int
    created_at: float
    modified_at: float
    ended_at: float | None
    version: int


def new_tuning_job(name: str, arn: str, region: str, *, request: dict[str, Any], seed: int, now: float) -> TuningJob:
    """A tuning job as it is just after CreateHyperParameterTuningJob."""
    return TuningJob(name, arn, region, request, "InProgress", None, seed, now, now, None, 1)


def insert(database: Database, job: TuningJob) -> None:
    """Add a tuning job. Raises sqlite3.IntegrityError when name or ARN is taken."""
    columns = {field.name: getattr(job, field.name) for field in fields(job)}
    columns["request"] = json.dumps(job.request)
    with database.transaction() as connection:
        rows.insert(connection, "tuning_jobs", columns)


def get(database: Database, name: str) -> TuningJob | None:
    """The tuning job of this name."""
    row = database.connection.execute("SELECT * FROM tuning_jobs WHERE name = ?", (name,)).fetchone()
    return None if row is None else _job(row)


def taken(database: Database, name: str, arn: str) -> bool:
    """Whether the name is in use; ARNs are lower case, so it may be by a name in other letters."""
    found = database.connection.execute("SELECT 1 FROM tuning_jobs WHERE name = ? OR arn = ?", (name, arn))
    return found.fetchone() is not None


def active(database: Database) -> list[TuningJob]:
    """Tuning jobs that have not ended, oldest first."""
    found = database.connection.execute(
        "SELECT * FROM tuning_jobs WHERE status IN ('InProgress', 'Stopping') ORDER BY created_at, name"
    )
    return [_job(row) for row in found]


def update(database: Database, job: TuningJob, now: float, **changes: Any) -> TuningJob:
    """Apply changes to the job as it was read; answers the new row. Raises rows.StaleRow, IllegalTransition."""
    changed = replace(job, modified_at=now, version=job.version + 1, **changes)
    if changed.status != job.status and job.status not in PREDECESSORS[changed.status]:
        raise IllegalTransition(f"{job.name}: {job.status} -> {changed.status}")
    with database.transaction() as connection:
        rows.update(connection, "tuning_jobs", job.name, job.version, {**changes, "modified_at": now})
    return changed


def delete(database: Database, name: str) -> None:
    """Remove a tuning job that has ended; its training jobs stay, as if they had been created by themselves."""
    with database.transaction() as connection:
        connection.execute(
            "UPDATE training_jobs SET tuning_job_name = NULL, tuning_number = NULL WHERE tuning_job_name = ?", (name,)
        )
        connection.execute("DELETE FROM tuning_jobs WHERE name = ?", (name,))


def _job(row: sqlite3.Row) -> TuningJob:
    columns = dict(row)
    columns["request"] = json.loads(columns["request"])
    return TuningJob(**columns)
