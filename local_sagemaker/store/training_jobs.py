"""Training jobs: what was asked for, and how far each got; their transitions and metrics change with them."""

import json
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from local_sagemaker.store import job_metrics, rows, secondary_transitions
from local_sagemaker.store.database import Database
from local_sagemaker.store.job_metrics import Metric
from local_sagemaker.store.secondary_transitions import Transition

ACTIVE = ("InProgress", "Stopping")

# A status may follow only these; the same status may always stay.
PREDECESSORS: Mapping[str, tuple[str, ...]] = {
    "InProgress": (),
    "Stopping": ("InProgress",),
    "Completed": ("InProgress",),
    "Failed": ("InProgress", "Stopping"),
    "Stopped": ("InProgress", "Stopping"),
}
JSON_COLUMNS = ("request", "tuned", "log_offsets")
PHASES = ("Starting", "Downloading", "Training", "Uploading", "Ended")


class IllegalTransition(Exception):
    """A change that no training job can go through: a fault of the caller."""


@dataclass(frozen=True)
class TrainingJob:
    """A row. `phase` says what the engine does with the job; the two statuses are what clients see."""

    name: str
    arn: str
    region: str
    request: dict[str, Any]
    status: str
    secondary_status: str
    phase: str
    failure_reason: str | None
    created_at: float
    modified_at: float
    started_at: float | None
    ended_at: float | None
    terminated_at: float | None
    termination: str | None
    tuning_job_name: str | None
    tuning_number: int | None
    tuned: dict[str, str] | None
    version: int
    host_count: int = 1
    log_offsets: dict[str, int] = field(default_factory=dict)  # by host
    wait_until: float | None = None
    attempt: int = 1
    retries: int = 0
    paused_at: float | None = None
    paused_seconds: float = 0.0
    interruption: int = 0

    @property
    def run_seconds(self) -> float | None:
        """How long it ran from its first start to its end, without the time between its starts."""
        if self.started_at is None or self.ended_at is None:
            return None
        paused = 0.0 if self.paused_at is None else self.ended_at - self.paused_at
        return max(0.0, self.ended_at - self.started_at - self.paused_seconds - paused)


def new_training_job(
    name: str,
    arn: str,
    region: str,
    *,
    request: dict[str, Any],
    now: float,
    tuning_job_name: str | None = None,
    tuning_number: int | None = None,
    tuned: dict[str, str] | None = None,
) -> TrainingJob:
    """A job as it is just after CreateTrainingJob."""
    return TrainingJob(
        name=name,
        arn=arn,
        region=region,
        request=request,
        status="InProgress",
        secondary_status="Starting",
        phase="Starting",
        failure_reason=None,
        created_at=now,
        modified_at=now,
        started_at=None,
        ended_at=None,
        terminated_at=None,
        termination=None,
        tuning_job_name=tuning_job_name,
        tuning_number=tuning_number,
        tuned=tuned,
        version=1,
        host_count=_host_count(request),
        wait_until=_wait_until(request, now),
    )


def _wait_until(request: Mapping[str, Any], now: float) -> float | None:
    condition = request.get("StoppingCondition") or {}
    limits = [condition.get("MaxWaitTimeInSeconds"), condition.get("MaxPendingTimeInSeconds")]
    return min((now + limit for limit in limits if limit), default=None)


def _host_count(request: Mapping[str, Any]) -> int:
    resources = request.get("ResourceConfig") or {}
    groups = resources.get("InstanceGroups") or [resources]
    return sum(int(group.get("InstanceCount", 1)) for group in groups)


def insert(database: Database, job: TrainingJob, status_message: str = "Preparing the instances for training") -> None:
    """Add a job and its first transition. Raises sqlite3.IntegrityError when name or ARN is taken."""
    columns = _columns({column.name: getattr(job, column.name) for column in fields(job)})
    with database.transaction() as connection:
        rows.insert(connection, "training_jobs", columns)
        transition = Transition(job.secondary_status, job.created_at, None, status_message)
        secondary_transitions.add(connection, job.name, transition)


def get(database: Database, name: str) -> TrainingJob | None:
    """The job of this name."""
    row = database.connection.execute("SELECT * FROM training_jobs WHERE name = ?", (name,)).fetchone()
    return None if row is None else from_row(row)


def taken(database: Database, name: str, arn: str) -> bool:
    """Whether the name is in use; ARNs are lower case, so it may be by a name in other letters."""
    found = database.connection.execute("SELECT 1 FROM training_jobs WHERE name = ? OR arn = ?", (name, arn))
    return found.fetchone() is not None


def update(
    database: Database,
    job: TrainingJob,
    now: float,
    *,
    status_message: str | None = None,
    metrics: Iterable[Metric] = (),
    **changes: Any,
) -> TrainingJob:
    """Apply changes to the job as it was read, with the metrics that came with them; answers the new row.

    `status_message` opens a transition to the (new) secondary status. Raises rows.StaleRow when the row was changed
    meanwhile, IllegalTransition when a status or phase cannot follow the present one.
    """
    changed = replace(job, modified_at=now, version=job.version + 1, **changes)
    _check(job, changed)
    with database.transaction() as connection:
        rows.update(connection, "training_jobs", job.name, job.version, {**_columns(changes), "modified_at": now})
        if status_message is not None:
            ended = now if changed.phase == "Ended" else None
            transition = Transition(changed.secondary_status, now, ended, status_message)
            secondary_transitions.add(connection, job.name, transition)
        job_metrics.add(connection, job.name, metrics)
    return changed


def delete(database: Database, name: str) -> None:
    """Remove a job that has ended, with its transitions and metrics."""
    with database.transaction() as connection:
        connection.execute("DELETE FROM training_jobs WHERE name = ?", (name,))


def request_stop(
    database: Database, job: TrainingJob, now: float, message: str = "Stopping the training job"
) -> TrainingJob:
    """Ask for the end of a job that is InProgress; the engine sees to it."""
    return update(
        database,
        job,
        now,
        status="Stopping",
        secondary_status="Stopping",
        status_message=message,
    )


def request_interruption(database: Database, job: TrainingJob, now: float) -> TrainingJob:
    """Have a managed spot training job interrupted and started again, as when its instances are taken away."""
    return update(database, job, now, interruption=1)


def restart(
    database: Database, job: TrainingJob, now: float, *, secondary_status: str, message: str | None
) -> TrainingJob:
    """Send a job whose script is gone back to Starting: `secondary_status` Interrupted, or Restarting as a retry."""
    return update(
        database,
        job,
        now,
        phase="Starting",
        secondary_status=secondary_status,
        status_message=message,
        attempt=job.attempt + 1,
        retries=job.retries + (secondary_status == "Restarting"),
        paused_at=now,
        terminated_at=None,
        termination=None,
        interruption=0,
    )


def add_metrics(
    database: Database, job: TrainingJob, host: str, log_offset: int, metrics: Iterable[Metric]
) -> TrainingJob:
    """Keep metrics of a host's log and how far it was read, together; LastModifiedTime stays."""
    offsets = {**job.log_offsets, host: log_offset}
    return update(database, job, job.modified_at, metrics=metrics, log_offsets=offsets)


def _check(before: TrainingJob, after: TrainingJob) -> None:
    if after.status != before.status and before.status not in PREDECESSORS[after.status]:
        raise IllegalTransition(f"{before.name}: {before.status} -> {after.status}")
    if PHASES.index(after.phase) < PHASES.index(before.phase) and after.attempt == before.attempt:
        raise IllegalTransition(f"{before.name}: {before.phase} -> {after.phase}")


def from_row(row: sqlite3.Row) -> TrainingJob:
    """The job of a whole row."""
    columns = dict(row)
    for name in JSON_COLUMNS:
        columns[name] = None if columns[name] is None else json.loads(columns[name])
    return TrainingJob(**columns)


def _columns(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values as they are stored."""
    return {
        name: json.dumps(value) if name in JSON_COLUMNS and value is not None else value
        for name, value in values.items()
    }
