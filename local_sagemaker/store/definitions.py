"""Models and endpoint configurations: written once, never changed, known by their name."""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from local_sagemaker.store.database import Database

Kind = Literal["model", "endpoint-config"]  # as in their ARNs


@dataclass(frozen=True)
class Definition:
    """A row of `definitions`. `members` are the Create request's, without Tags; times are epoch seconds."""

    kind: Kind
    name: str
    arn: str
    created_at: float
    members: Mapping[str, Any]


def insert(database: Database, definition: Definition) -> bool:
    """Add a definition; False when there is one of that kind and name."""
    with database.transaction() as connection:
        cursor = connection.execute(
            "INSERT INTO definitions (kind, name, arn, created_at, members) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT DO NOTHING",
            (definition.kind, definition.name, definition.arn, definition.created_at, json.dumps(definition.members)),
        )
        return cursor.rowcount == 1


def find(database: Database, kind: Kind, name: str) -> Definition | None:
    """The definition of that kind and name."""
    query = "SELECT * FROM definitions WHERE kind = ? AND name = ?"
    row = database.connection.execute(query, (kind, name)).fetchone()
    return None if row is None else _definition(row)


def delete(database: Database, definition: Definition) -> None:
    """Forget a definition. Endpoints that were made from it go on."""
    with database.transaction() as connection:
        connection.execute("DELETE FROM definitions WHERE kind = ? AND name = ?", (definition.kind, definition.name))


def _definition(row: sqlite3.Row) -> Definition:
    return Definition(row["kind"], row["name"], row["arn"], row["created_at"], json.loads(row["members"]))
