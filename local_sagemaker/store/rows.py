"""What the tables with a life have in common: an update that holds only while the row is as it was read."""

import sqlite3
from collections.abc import Mapping
from typing import Any


class StaleRow(Exception):
    """The row was changed since it was read; read it again and decide anew."""


def insert(connection: sqlite3.Connection, table: str, columns: Mapping[str, Any]) -> None:
    """Insert one row. Table and columns are names from code, never from a request."""
    names, marks = ", ".join(columns), ", ".join("?" for _ in columns)
    connection.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(columns.values()))  # noqa: S608


def update(connection: sqlite3.Connection, table: str, name: str, version: int, changes: Mapping[str, Any]) -> None:
    """Change the row `name` and count its version up. Raises StaleRow when its version is not `version` any more."""
    assignments = ", ".join(f"{column} = ?" for column in changes)
    cursor = connection.execute(
        f"UPDATE {table} SET {assignments}, version = version + 1 WHERE name = ? AND version = ?",  # noqa: S608
        (*changes.values(), name, version),
    )
    if cursor.rowcount != 1:
        raise StaleRow(f"{table}: {name} is not at version {version} any more")
