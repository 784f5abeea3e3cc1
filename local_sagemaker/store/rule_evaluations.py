"""How each Debugger and Profiler rule of a training job stands: DebugRuleEvaluationStatuses and Profiler's."""

import hashlib
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from local_sagemaker.store import evaluations
from local_sagemaker.store.database import Database
from local_sagemaker.store.training_jobs import TrainingJob

Kind = Literal["Debug", "Profiler"]
KINDS: tuple[Kind, ...] = ("Debug", "Profiler")
MAX_DETAILS = 1024  # characters of a StatusDetails
NAME_CHARACTERS = 26  # of the job and of the rule that are left in the name of an evaluation's job


@dataclass(frozen=True)
class RuleEvaluation:
    """A row. `status` is SageMaker's RuleEvaluationStatus."""

    job_name: str
    kind: Kind
    number: int
    name: str
    arn: str | None
    status: str
    details: str
    modified_at: float


@dataclass(frozen=True)
class Judgement:
    """How a rule stands now, as its evaluator tells it."""

    kind: Kind
    name: str
    status: str
    details: str
    modified_at: float


def of_job(database: Database, job_name: str) -> list[RuleEvaluation]:
    """All rules of the job: Debugger's, then Profiler's, in the order of the request."""
    found = database.connection.execute(
        "SELECT * FROM rule_evaluations WHERE job_name = ? ORDER BY kind, number", (job_name,)
    )
    return [RuleEvaluation(**row) for row in found]


def begin(database: Database, job: TrainingJob, now: float) -> None:
    """Have the rules of a new job evaluated."""
    with database.transaction() as connection:
        for kind in KINDS:
            _insert(connection, job, kind, now)
        if any(configurations(job.request, kind) for kind in KINDS):
            evaluations.begin(connection, job.name, job.attempt)


def change(database: Database, before: TrainingJob, after: TrainingJob, kind: Kind, now: float) -> None:
    """Have the rules of a changed request evaluated in the former ones' place.

    Those whose configuration is the same stay as they are.
    """
    wanted = {rule["RuleConfigurationName"]: rule for rule in configurations(after.request, kind)}
    with database.transaction() as connection:
        for rule in configurations(before.request, kind):
            name = rule["RuleConfigurationName"]
            if wanted.get(name) != rule:
                connection.execute(
                    "DELETE FROM rule_evaluations WHERE job_name = ? AND kind = ? AND name = ?",
                    (after.name, kind, name),
                )
        _insert(connection, after, kind, now)
        if wanted:
            evaluations.begin(connection, after.name, after.attempt)


def keep(database: Database, job_name: str, judgements: Iterable[Judgement]) -> None:
    """Keep how the rules stand. A rule that the job does not have is passed over, and what was found stays found."""
    with database.transaction() as connection:
        connection.executemany(
            "UPDATE rule_evaluations SET status = ?, details = ?, modified_at = ?"
            " WHERE job_name = ? AND kind = ? AND name = ? AND (status <> 'IssuesFound' OR ? = 'IssuesFound')"
            " AND (status <> ? OR details <> ?)",
            [
                (
                    *(found.status, found.details[:MAX_DETAILS], found.modified_at, job_name, found.kind, found.name),
                    *(found.status, found.status, found.details[:MAX_DETAILS]),
                )
                for found in judgements
            ],
        )


def end_open(database: Database, job_name: str, status: str, details: str, now: float) -> None:
    """End the rules that are still InProgress."""
    with database.transaction() as connection:
        connection.execute(
            "UPDATE rule_evaluations SET status = ?, details = ?, modified_at = ?"
            " WHERE job_name = ? AND status = 'InProgress'",
            (status, details[:MAX_DETAILS], now, job_name),
        )


def reopen(database: Database, job_name: str, now: float) -> None:
    """Have the rules judged anew over the job's next start; what was found stays found."""
    with database.transaction() as connection:
        connection.execute(
            "UPDATE rule_evaluations SET status = 'InProgress', details = '', modified_at = ?"
            " WHERE job_name = ? AND status NOT IN ('InProgress', 'IssuesFound')",
            (now, job_name),
        )


def configurations(request: Mapping[str, Any], kind: Kind) -> Sequence[Mapping[str, Any]]:
    """DebugRuleConfigurations or ProfilerRuleConfigurations."""
    return request.get(f"{kind}RuleConfigurations") or []


def evaluation_arn(job: TrainingJob, kind: Kind, rule: str) -> str:
    """RuleEvaluationJobArn as AWS makes it, but always the same for a rule of a job."""
    prefix, _, _ = job.arn.partition(":training-job/")
    digest = hashlib.sha256(f"{job.arn} {job.created_at} {kind} {rule}".encode()).hexdigest()[:8]
    name = f"{job.name[:NAME_CHARACTERS]}-{rule[:NAME_CHARACTERS]}-{digest}"
    return f"{prefix}:processing-job/{name.lower()}"


def _insert(connection: sqlite3.Connection, job: TrainingJob, kind: Kind, now: float) -> None:
    names = [rule["RuleConfigurationName"] for rule in configurations(job.request, kind)]
    connection.executemany(
        "INSERT INTO rule_evaluations (job_name, kind, number, name, arn, status, modified_at)"
        " VALUES (?, ?, ?, ?, ?, 'InProgress', ?) ON CONFLICT DO UPDATE SET number = excluded.number",
        [(job.name, kind, number, name, evaluation_arn(job, kind, name), now) for number, name in enumerate(names)],
    )
