"""Endpoints and their deployments."""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from local_sagemaker.store.database import Database


@dataclass(frozen=True)
class Endpoint:
    """A row of `endpoints`; times are epoch seconds.

    `active_id` is the deployment that answers (in Failed and Deleting: the last one), `pending_id` the one to come.
    """

    name: str
    arn: str
    status: str
    failure_reason: str | None
    created_at: float
    modified_at: float
    active_id: str | None
    pending_id: str | None

    @property
    def wanted_ids(self) -> frozenset[str]:
        """The deployments whose model servers shall run."""
        if self.status in {"Failed", "Deleting"}:
            return frozenset()
        return frozenset(id_ for id_ in (self.active_id, self.pending_id) if id_)

    @property
    def described_id(self) -> str | None:
        """The deployment that DescribeEndpoint tells of."""
        return self.active_id or self.pending_id


@dataclass(frozen=True)
class Variant:
    """A production variant with its model, as it was when the deployment was asked for."""

    name: str
    model_name: str
    image: str
    model_data_url: str
    environment: Mapping[str, str]
    instance_type: str
    instance_count: int
    weight: float
    least_loaded: bool
    volume_size_gb: int | None
    download_timeout_seconds: int | None
    startup_timeout_seconds: int | None


@dataclass(frozen=True)
class Deployment:
    """A row of `deployments`: the model servers that an endpoint runs or shall run."""

    id: str
    endpoint_name: str
    config_name: str
    created_at: float
    variants: tuple[Variant, ...]


def insert(database: Database, endpoint: Endpoint, deployment: Deployment) -> bool:
    """Add an endpoint with its first deployment; False when there is an endpoint of that name."""
    with database.transaction() as connection:
        cursor = connection.execute(
            "INSERT INTO endpoints (name, arn, status, failure_reason, created_at, modified_at, active_id, pending_id)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (
                endpoint.name,
                endpoint.arn,
                endpoint.status,
                endpoint.failure_reason,
                endpoint.created_at,
                endpoint.modified_at,
                endpoint.active_id,
                endpoint.pending_id,
            ),
        )
        if cursor.rowcount == 0:
            return False
        _insert_deployment(connection, deployment)
        return True


def find(database: Database, name: str) -> Endpoint | None:
    """The endpoint of that name, in any case."""
    row = database.connection.execute("SELECT * FROM endpoints WHERE name = ?", (name,)).fetchone()
    return None if row is None else Endpoint(**row)


def all_endpoints(database: Database) -> list[Endpoint]:
    """Every endpoint, in no order."""
    return [Endpoint(**row) for row in database.connection.execute("SELECT * FROM endpoints")]


def deployment(database: Database, deployment_id: str) -> Deployment | None:
    """One deployment."""
    row = database.connection.execute("SELECT * FROM deployments WHERE id = ?", (deployment_id,)).fetchone()
    return None if row is None else _deployment(row)


def deployments(database: Database, endpoint_name: str) -> list[Deployment]:
    """All deployments of an endpoint, those on their way out included."""
    rows = database.connection.execute("SELECT * FROM deployments WHERE endpoint_name = ?", (endpoint_name,))
    return [_deployment(row) for row in rows]


def begin_update(database: Database, name: str, pending: Deployment, now: float) -> bool:
    """InService -> Updating; False when the endpoint is in another status."""
    with database.transaction() as connection:
        cursor = connection.execute(
            "UPDATE endpoints SET status = 'Updating', failure_reason = NULL, pending_id = ?, modified_at = ?"
            " WHERE name = ? AND status = 'InService'",
            (pending.id, now, name),
        )
        if cursor.rowcount == 0:
            return False
        _insert_deployment(connection, pending)
        return True


def begin_deletion(database: Database, name: str, now: float) -> bool:
    """InService or Failed -> Deleting; False when the endpoint is in another status."""
    with database.transaction() as connection:
        cursor = connection.execute(
            "UPDATE endpoints SET status = 'Deleting', modified_at = ?"
            " WHERE name = ? AND status IN ('InService', 'Failed')",
            (now, name),
        )
        return cursor.rowcount == 1


def put_in_service(database: Database, name: str, now: float) -> None:
    """The pending deployment becomes the active one."""
    with database.transaction() as connection:
        connection.execute(
            "UPDATE endpoints SET status = 'InService', failure_reason = NULL, active_id = pending_id,"
            " pending_id = NULL, modified_at = ? WHERE name = ? AND status IN ('Creating', 'Updating')",
            (now, name),
        )


def roll_back(database: Database, name: str, reason: str, now: float) -> None:
    """Updating -> InService with the deployment of before and a FailureReason."""
    with database.transaction() as connection:
        connection.execute(
            "UPDATE endpoints SET status = 'InService', failure_reason = ?, pending_id = NULL, modified_at = ?"
            " WHERE name = ? AND status = 'Updating'",
            (reason, now, name),
        )


def fail(database: Database, name: str, reason: str, now: float) -> None:
    """Any status but Deleting -> Failed. The deployment that failed stays on record, for DescribeEndpoint."""
    with database.transaction() as connection:
        connection.execute(
            "UPDATE endpoints SET status = 'Failed', failure_reason = ?, active_id = coalesce(active_id, pending_id),"
            " pending_id = NULL, modified_at = ? WHERE name = ? AND status != 'Deleting'",
            (reason, now, name),
        )


def delete_deployment(database: Database, deployment_id: str) -> None:
    """Remove a deployment whose model servers have ended."""
    with database.transaction() as connection:
        connection.execute("DELETE FROM deployments WHERE id = ?", (deployment_id,))


def delete(database: Database, name: str) -> None:
    """Remove an endpoint in Deleting, with its deployments."""
    with database.transaction() as connection:
        connection.execute("DELETE FROM deployments WHERE endpoint_name = ?", (name,))
        connection.execute("DELETE FROM endpoints WHERE name = ? AND status = 'Deleting'", (name,))


def _insert_deployment(connection: sqlite3.Connection, row: Deployment) -> None:
    connection.execute(
        "INSERT INTO deployments (id, endpoint_name, config_name, created_at, variants) VALUES (?, ?, ?, ?, ?)",
        (
            row.id,
            row.endpoint_name,
            row.config_name,
            row.created_at,
            json.dumps([asdict(variant) for variant in row.variants]),
        ),
    )


def _deployment(row: sqlite3.Row) -> Deployment:
    variants = tuple(Variant(**variant) for variant in json.loads(row["variants"]))
    return Deployment(row["id"], row["endpoint_name"], row["config_name"], row["created_at"], variants)
