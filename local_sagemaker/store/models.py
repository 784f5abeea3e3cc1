"""Models, as CreateModel described them."""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from local_sagemaker.store.database import Database


@dataclass(frozen=True)
class Model:
    """A row of `models`. `members` are CreateModel's, without Tags; times are epoch seconds."""

    name: str
    arn: str
    created_at: float
    members: Mapping[str, Any]

    @property
    def modified_at(self) -> float:
        """A model never changes."""
        return self.created_at


def insert(database: Database, model: Model) -> bool:
    """Add a model; False when there is one of that name."""
    with database.transaction() as connection:
        cursor = connection.execute(
            "INSERT INTO models (name, arn, created_at, members) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (model.name, model.arn, model.created_at, json.dumps(model.members)),
        )
        return cursor.rowcount == 1


def find(database: Database, name: str) -> Model | None:
    """The model of that name."""
    row = database.connection.execute("SELECT * FROM models WHERE name = ?", (name,)).fetchone()
    return None if row is None else _model(row)


def all_models(database: Database) -> list[Model]:
    """Every model, in no order."""
    return [_model(row) for row in database.connection.execute("SELECT * FROM models")]


def delete(database: Database, name: str) -> bool:
    """Remove a model; False when there is none. Endpoints that serve it go on."""
    with database.transaction() as connection:
        return connection.execute("DELETE FROM models WHERE name = ?", (name,)).rowcount == 1


def _model(row: sqlite3.Row) -> Model:
    return Model(row["name"], row["arn"], row["created_at"], json.loads(row["members"]))
