"""Pages of a table: filters, order and limit in SQL, so that a page costs the same however long the table is.

Names of columns come from code, never from a request; values are always bound.
"""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from local_sagemaker.store.database import Database

# How the filters of List operations are written, by their names in requests.
FILTERS: Mapping[str, str] = {
    "NameContains": "instr(name, ?) > 0",
    "StatusEquals": "status = ?",
    "CreationTimeAfter": "created_at > ?",
    "CreationTimeBefore": "created_at < ?",
    "LastModifiedTimeAfter": "modified_at > ?",
    "LastModifiedTimeBefore": "modified_at < ?",
    "WarmPoolStatusEquals": "name IN (SELECT training_job_name FROM warm_pools WHERE warm_pools.status = ?)",
}
SORT_COLUMNS: Mapping[str, str] = {
    "Name": "name",
    "CreationTime": "created_at",
    "LastModifiedTime": "modified_at",
    "Status": "status",
}


@dataclass(frozen=True)
class Listed:
    """What a List operation reads: some columns of a table, the rows under a condition of its own."""

    table: str
    columns: tuple[str, ...]
    condition: str = "TRUE"


TRAINING_JOBS = Listed(
    "training_jobs", ("name", "arn", "status", "secondary_status", "created_at", "modified_at", "ended_at")
)
ACTIVE_TRAINING_JOBS = Listed("training_jobs", ("name",), "phase <> 'Ended'")
TUNING_JOBS = Listed("tuning_jobs", ("name", "arn", "status", "created_at", "modified_at", "ended_at", "request"))
MODELS = Listed("definitions", ("name", "arn", "created_at"), "kind = 'model'")
ENDPOINT_CONFIGS = Listed("definitions", ("name", "arn", "created_at"), "kind = 'endpoint-config'")
ENDPOINTS = Listed("endpoints", ("name", "arn", "status", "created_at", "modified_at"))


@dataclass(frozen=True)
class Page:
    """Which rows are wanted. `after` is the place (value of the sort column, name) of the row before the first."""

    limit: int
    sort_by: str = "CreationTime"
    descending: bool = False
    filters: Mapping[str, Any] = field(default_factory=dict)
    after: tuple[float | str, str] | None = None


def rows(database: Database, listed: Listed, page: Page) -> list[sqlite3.Row]:
    """The page's rows, with `sort_value` beside the listed columns."""
    sort_column = SORT_COLUMNS[page.sort_by]
    conditions = [listed.condition, *(FILTERS[name] for name in page.filters)]
    values = list(page.filters.values())
    if page.after is not None:
        conditions.append(f"({sort_column}, name) {'<' if page.descending else '>'} (?, ?)")
        values += page.after
    direction = "DESC" if page.descending else "ASC"
    order = f"name {direction}" if sort_column == "name" else f"{sort_column} {direction}, name {direction}"
    sql = (
        f"SELECT {', '.join(listed.columns)}, {sort_column} AS sort_value FROM {listed.table}"  # noqa: S608 - constants
        f" WHERE {' AND '.join(conditions)} ORDER BY {order} LIMIT ?"
    )
    return database.connection.execute(sql, (*values, page.limit)).fetchall()


def names(database: Database, listed: Listed, *, prefix: str = "", name: str | None = None) -> list[tuple[str, float]]:
    """(name, creation time) of all rows with this prefix, or with just this name, by name."""
    found = database.connection.execute(
        f"SELECT name, created_at FROM {listed.table} WHERE {listed.condition}"  # noqa: S608 - constants
        " AND substr(name, 1, length(:prefix)) = :prefix AND (:name IS NULL OR name = :name) ORDER BY name",
        {"prefix": prefix, "name": name},
    )
    return [(row["name"], row["created_at"]) for row in found]
