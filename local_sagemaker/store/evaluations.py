"""The evaluation of a job's rules as a whole: how far it got. A job without rules has none."""

import sqlite3
from dataclasses import dataclass, replace
from typing import Any

from local_sagemaker.store.database import Database
from local_sagemaker.store.rows import StaleRow

PHASES = ("Waiting", "Evaluating", "Uploading", "Ended")


@dataclass(frozen=True)
class Evaluation:
    """A row. `attempt` is the job's start whose files are judged, `starts` counts the evaluator's in it."""

    id: int
    job_name: str
    phase: str
    attempt: int
    starts: int
    started_at: float | None
    version: int


def get(database: Database, job_name: str) -> Evaluation | None:
    """The job's evaluation."""
    row = database.connection.execute("SELECT * FROM evaluations WHERE job_name = ?", (job_name,)).fetchone()
    return None if row is None else Evaluation(**row)


def due(database: Database) -> list[Evaluation]:
    """Those that have not ended, without those whose job has not come to its script yet.

    Running jobs' come first, which a rule may have to stop; then the oldest.
    """
    found = database.connection.execute(
        "SELECT evaluations.* FROM evaluations JOIN training_jobs AS job ON job.name = job_name"
        " WHERE evaluations.phase <> 'Ended'"
        " AND NOT (evaluations.phase = 'Waiting' AND job.phase IN ('Starting', 'Downloading'))"
        " ORDER BY job.phase = 'Ended', evaluations.id"
    )
    return [Evaluation(**row) for row in found]


def is_open(database: Database, job_name: str) -> bool:
    """Whether the job has rules whose evaluation has not ended."""
    evaluation = get(database, job_name)
    return evaluation is not None and evaluation.phase != "Ended"


def begin(connection: sqlite3.Connection, job_name: str, attempt: int) -> None:
    """Have the job's rules evaluated, as a part of the caller's transaction; one that goes on has its tries anew."""
    connection.execute(
        "INSERT INTO evaluations (job_name, phase, attempt) VALUES (?, 'Waiting', ?)"
        " ON CONFLICT (job_name) DO UPDATE SET starts = 0, version = version + 1,"
        " phase = CASE phase WHEN 'Evaluating' THEN phase ELSE 'Waiting' END",
        (job_name, attempt),
    )


def update(database: Database, evaluation: Evaluation, **changes: Any) -> Evaluation:
    """Change the row as it was read; answers the new one. Raises StaleRow when it was changed or deleted meanwhile."""
    assignments = ", ".join(f"{column} = ?" for column in changes)
    with database.transaction() as connection:
        cursor = connection.execute(
            f"UPDATE evaluations SET {assignments}, version = version + 1 WHERE id = ? AND version = ?",  # noqa: S608
            (*changes.values(), evaluation.id, evaluation.version),
        )
        if cursor.rowcount != 1:
            raise StaleRow(f"the evaluation of {evaluation.job_name} is not at version {evaluation.version} any more")
    return replace(evaluation, version=evaluation.version + 1, **changes)
