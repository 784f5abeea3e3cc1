"""The SQLite file: schema, connections, transactions.

The schema is the sum of schema/NNN_*.sql in order; `PRAGMA user_version` counts how many of them a file has had, so a
newer local_sagemaker opens an older one's state. A script that was once released is never changed.

WAL lets the wire read while the engine writes. Every writing transaction takes the write lock at its beginning
(BEGIN IMMEDIATE), so that what it read is still true when it writes.
"""

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from local_sagemaker.errors import DiskFull

SCHEMA_DIR = Path(__file__).parent / "schema"


class NewerState(Exception):
    """The state was written by a newer version; the message says what to do."""


class Database:
    """One SQLite file, a connection a thread."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._local = threading.local()
        self._migrate(sorted(SCHEMA_DIR.glob("*.sql")))

    def _migrate(self, scripts: Sequence[Path]) -> None:
        connection = self.connection
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version == len(scripts):  # nothing is written: the disk may be full
            return
        connection.execute("PRAGMA foreign_keys = OFF")  # a table that is built anew is dropped in between
        with self.transaction():
            if version > len(scripts):
                raise NewerState(
                    f"{self._path} was written by a newer local_sagemaker (schema {version}, this one knows"
                    f" {len(scripts)}). Start that version again, or set LOCAL_SAGEMAKER_STATE_DIR to another folder."
                )
            for script in scripts[version:]:
                for statement in script.read_text().split(";\n"):
                    if statement.strip():
                        connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {len(scripts)}")
        connection.execute("PRAGMA foreign_keys = ON")

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
        try:
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")
        except BaseException as error:
            _roll_back(connection)
            if isinstance(error, sqlite3.OperationalError) and error.sqlite_errorcode == sqlite3.SQLITE_FULL:
                raise DiskFull(self._path.parent) from error
            raise


def _roll_back(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:  # on a full disk SQLite may have done so itself
        connection.execute("ROLLBACK")
