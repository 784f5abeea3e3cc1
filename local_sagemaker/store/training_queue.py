"""Which training jobs the engine looks at: those that run, and of those that wait only the ones that can go on."""

from local_sagemaker.store.database import Database
from local_sagemaker.store.training_jobs import TrainingJob, from_row


def running(database: Database) -> list[TrainingJob]:
    """Jobs that have been started and have not ended, oldest first."""
    found = database.connection.execute(
        "SELECT * FROM training_jobs WHERE phase <> 'Ended' AND phase <> 'Starting'"
        " ORDER BY created_at, tuning_number, name"
    )
    return [from_row(row) for row in found]


def waiting(database: Database, now: float, *, free: int, several_hosts: bool) -> list[TrainingJob]:
    """Of the jobs that wait for their start, those with which something is to be done; oldest first.

    New ones, stopped ones, those that waited too long, and the `free` oldest, which can start; jobs of several hosts
    only if `several_hosts`. However many others there are, they are not read.
    """
    due = "status = 'Stopping' OR secondary_status <> 'Pending' OR wait_until <= ?"
    order = "ORDER BY created_at, tuning_number, name"
    first = f"SELECT name FROM training_jobs WHERE phase = 'Starting' AND (host_count = 1 OR ?) {order} LIMIT ?"  # noqa: S608
    found = database.connection.execute(
        f"SELECT * FROM training_jobs WHERE phase = 'Starting' AND ({due} OR name IN ({first})) {order}",  # noqa: S608
        (now, several_hosts, free),
    )
    return [from_row(row) for row in found]


def count_active(database: Database) -> int:
    """How many jobs have not ended."""
    (count,) = database.connection.execute("SELECT count(*) FROM training_jobs WHERE phase <> 'Ended'").fetchone()
    return int(count)


def next_wait_until(database: Database) -> float | None:
    """When the first of the waiting jobs will have waited too long."""
    found = database.connection.execute("SELECT min(wait_until) FROM training_jobs WHERE phase = 'Starting'")
    (moment,) = found.fetchone()
    return None if moment is None else float(moment)
