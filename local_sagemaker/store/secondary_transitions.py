"""SecondaryStatusTransitions of training jobs."""

import sqlite3
from dataclasses import dataclass

from local_sagemaker.store.database import Database


@dataclass(frozen=True)
class Transition:
    """One of SecondaryStatusTransitions."""

    status: str
    started_at: float
    ended_at: float | None
    status_message: str


def add(connection: sqlite3.Connection, job_name: str, transition: Transition) -> None:
    """End the present one and begin another, as a part of the caller's transaction."""
    connection.execute(
        "UPDATE secondary_transitions SET ended_at = ? WHERE job_name = ? AND ended_at IS NULL",
        (transition.started_at, job_name),
    )
    connection.execute(
        "INSERT INTO secondary_transitions (job_name, number, status, started_at, ended_at, status_message)"
        " VALUES (?, (SELECT count(*) + 1 FROM secondary_transitions WHERE job_name = ?), ?, ?, ?, ?)",
        (job_name, job_name, transition.status, transition.started_at, transition.ended_at, transition.status_message),
    )


def all_of(database: Database, name: str) -> list[Transition]:
    """The job's transitions in order."""
    found = database.connection.execute(
        "SELECT status, started_at, ended_at, status_message FROM secondary_transitions"
        " WHERE job_name = ? ORDER BY number",
        (name,),
    )
    return [Transition(**row) for row in found]
