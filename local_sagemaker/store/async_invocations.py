"""Asynchronous invocations that are still owed a result; times are epoch seconds."""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from local_sagemaker.store import rows
from local_sagemaker.store.database import Database


@dataclass(frozen=True)
class AsyncInvocation:
    """A row of `async_invocations`. The payload is `body`, or the object at `input_location`."""

    id: str
    inference_id: str
    endpoint_name: str
    region: str
    headers: Mapping[str, str]
    input_location: str | None
    body: bytes | None
    output_location: str
    failure_location: str | None
    accepted_at: float
    expires_at: float
    timeout_seconds: float
    attempts: int = 0


def insert(database: Database, invocation: AsyncInvocation) -> None:
    """Add one. From here on it survives the process."""
    columns = {**asdict(invocation), "headers": json.dumps(dict(invocation.headers))}
    with database.transaction() as connection:
        rows.insert(connection, "async_invocations", columns)


def endpoint_names(database: Database) -> list[str]:
    """The endpoints that are owed something."""
    found = database.connection.execute("SELECT DISTINCT endpoint_name FROM async_invocations")
    return [name for (name,) in found]


def oldest(database: Database, endpoint_name: str, limit: int) -> list[AsyncInvocation]:
    """The first ones of an endpoint in the order in which they came."""
    found = database.connection.execute(
        "SELECT * FROM async_invocations WHERE endpoint_name = ? ORDER BY accepted_at, rowid LIMIT ?",
        (endpoint_name, limit),
    )
    return [_invocation(row) for row in found]


def expired(database: Database, now: float) -> list[AsyncInvocation]:
    """Those that may not be begun any more."""
    found = database.connection.execute("SELECT * FROM async_invocations WHERE expires_at <= ? LIMIT 100", (now,))
    return [_invocation(row) for row in found]


def next_expiry(database: Database, now: float) -> float | None:
    """When the next one expires; those that have expired and are not gone yet were begun before."""
    (found,) = database.connection.execute(
        "SELECT min(expires_at) FROM async_invocations WHERE expires_at > ?", (now,)
    ).fetchone()
    return None if found is None else float(found)


def count_attempt(database: Database, id_: str) -> None:
    """A model server has ended in the middle of it."""
    with database.transaction() as connection:
        connection.execute("UPDATE async_invocations SET attempts = attempts + 1 WHERE id = ?", (id_,))


def delete(database: Database, id_: str) -> None:
    """Its object, of the result or of the failure, is written."""
    with database.transaction() as connection:
        connection.execute("DELETE FROM async_invocations WHERE id = ?", (id_,))


def _invocation(row: sqlite3.Row) -> AsyncInvocation:
    return AsyncInvocation(**{**dict(row), "headers": json.loads(row["headers"])})
