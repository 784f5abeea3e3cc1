"""Endpoint configurations, as CreateEndpointConfig described them."""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from local_sagemaker.store.database import Database


@dataclass(frozen=True)
class EndpointConfig:
    """A row of `endpoint_configs`. `members` are CreateEndpointConfig's, without Tags; times are epoch seconds."""

    name: str
    arn: str
    created_at: float
    members: Mapping[str, Any]

    @property
    def modified_at(self) -> float:
        """A configuration never changes."""
        return self.created_at


def insert(database: Database, config: EndpointConfig) -> bool:
    """Add a configuration; False when there is one of that name."""
    with database.transaction() as connection:
        cursor = connection.execute(
            "INSERT INTO endpoint_configs (name, arn, created_at, members) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (config.name, config.arn, config.created_at, json.dumps(config.members)),
        )
        return cursor.rowcount == 1


def find(database: Database, name: str) -> EndpointConfig | None:
    """The configuration of that name."""
    row = database.connection.execute("SELECT * FROM endpoint_configs WHERE name = ?", (name,)).fetchone()
    return None if row is None else _config(row)


def all_configs(database: Database) -> list[EndpointConfig]:
    """Every configuration, in no order."""
    return [_config(row) for row in database.connection.execute("SELECT * FROM endpoint_configs")]


def delete(database: Database, name: str) -> bool:
    """Remove a configuration; False when there is none. Endpoints that use it go on."""
    with database.transaction() as connection:
        return connection.execute("DELETE FROM endpoint_configs WHERE name = ?", (name,)).rowcount == 1


def _config(row: sqlite3.Row) -> EndpointConfig:
    return EndpointConfig(row["name"], row["arn"], row["created_at"], json.loads(row["members"]))
