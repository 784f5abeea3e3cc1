"""Warm pools: what DescribeTrainingJob tells of the instances that a training job kept for the next one."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from local_sagemaker.store.database import Database


@dataclass(frozen=True)
class WarmPool:
    """A row. Times are epoch seconds."""

    training_job_name: str
    status: str
    available_at: float | None = None
    keep_until: float | None = None
    ended_at: float | None = None
    reused_by: str | None = None

    def retained_seconds(self, now: float) -> float | None:
        """How long the instances were kept without a job; None as long as the job has them."""
        if self.available_at is None:
            return None
        return max(0.0, (now if self.ended_at is None else self.ended_at) - self.available_at)


def get(database: Database, name: str) -> WarmPool | None:
    """The pool of the training job of this name."""
    row = database.connection.execute("SELECT * FROM warm_pools WHERE training_job_name = ?", (name,)).fetchone()
    return None if row is None else WarmPool(**dict(row))


def of_jobs(database: Database, names: Sequence[str]) -> dict[str, WarmPool]:
    """The pools of those of the training jobs that have one, by the jobs' names."""
    found = database.connection.execute(
        "SELECT * FROM warm_pools WHERE training_job_name IN (SELECT value FROM json_each(?))", (json.dumps(names),)
    )
    return {row["training_job_name"]: WarmPool(**dict(row)) for row in found}


def available(database: Database) -> list[WarmPool]:
    """The pools that wait for a job, the one that is kept shortest first."""
    found = database.connection.execute("SELECT * FROM warm_pools WHERE status = 'Available' ORDER BY keep_until")
    return [WarmPool(**dict(row)) for row in found]


def use(database: Database, name: str) -> None:
    """The job has its instances now, and may keep them. Nothing happens when that is known."""
    with database.transaction() as connection:
        connection.execute(
            "INSERT INTO warm_pools (training_job_name, status) VALUES (?, 'InUse') ON CONFLICT DO NOTHING", (name,)
        )


def keep(database: Database, name: str, *, available_at: float, keep_until: float) -> None:
    """The job has ended, and its instances wait for another one."""
    _change(database, name, "status = 'Available', available_at = ?, keep_until = ?", available_at, keep_until)


def reuse(database: Database, name: str, now: float, by: str) -> None:
    """Another job has taken over the instances."""
    _change(database, name, "status = 'Reused', ended_at = ?, reused_by = ?", now, by)


def terminate(database: Database, name: str, now: float) -> None:
    """The instances are kept no longer."""
    _change(database, name, "status = 'Terminated', ended_at = ?", now)


def _change(database: Database, name: str, assignments: str, *values: object) -> None:
    """Change a pool that has not ended."""
    with database.transaction() as connection:
        connection.execute(
            f"UPDATE warm_pools SET {assignments} WHERE training_job_name = ? AND ended_at IS NULL",  # noqa: S608
            (*values, name),
        )
