"""The SQLite file: schema, connections, transactions.

WAL lets the wire read while the engine writes. Every writing transaction takes the write lock at its beginning
(BEGIN IMMEDIATE), so that what it read is still true when it writes.
"""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SCHEMA_DIR = Path(__file__).parent / "schema"


class Database:
    """One SQLite file, a connection a thread."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._local = threading.local()
        with self.transaction() as connection:
            for script in sorted(SCHEMA_DIR.glob("*.sql")):
                for statement in script.read_text().split(";\n"):
                    if statement.strip():
                        connection.execute(statement)

    @property
    def connection(self) -> sqlite3.Connection:
        """The calling thread's connection, for reading."""
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = sqlite3.connect(self._path, timeout=30.0, isolation_level=None)
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA foreign_keys = ON")
            self._local.connection = connection
        return connection

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """A writing transaction: committed as a whole, or rolled back when the block raises."""
        connection = self.connection
        if connection.in_transaction:  # part of the caller's transaction
            yield connection
            return
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")
