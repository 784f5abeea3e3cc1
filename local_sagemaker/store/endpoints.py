"""Endpoints: their status, and which deployments answer or shall answer."""

from dataclasses import dataclass

from local_sagemaker.store import deployments
from local_sagemaker.store.database import Database
from local_sagemaker.store.deployments import Deployment


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
        deployments.insert(connection, deployment)
        return True


def find(database: Database, name: str) -> Endpoint | None:
    """The endpoint of that name, in any case."""
    row = database.connection.execute("SELECT * FROM endpoints WHERE name = ?", (name,)).fetchone()
    return None if row is None else Endpoint(**row)


def all_endpoints(database: Database) -> list[Endpoint]:
    """Every endpoint, in no order."""
    return [Endpoint(**row) for row in database.connection.execute("SELECT * FROM endpoints")]


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
        deployments.insert(connection, pending)
        return True


def begin_change(database: Database, name: str, changed: Deployment, now: float) -> bool:
    """InService -> Updating with other variants of the active deployment; False when the endpoint is not so."""
    with database.transaction() as connection:
        cursor = connection.execute(
            "UPDATE endpoints SET status = 'Updating', failure_reason = NULL, modified_at = ?"
            " WHERE name = ? AND status = 'InService' AND active_id = ?",
            (now, name, changed.id),
        )
        if cursor.rowcount == 0:
            return False
        deployments.begin_change(connection, changed)
        return True


def finish_change(database: Database, name: str, now: float) -> None:
    """Updating -> InService: the changed variants are as they shall be."""
    with database.transaction() as connection:
        cursor = connection.execute(
            "UPDATE endpoints SET status = 'InService', modified_at = ?"
            " WHERE name = ? AND status = 'Updating' AND pending_id IS NULL",
            (now, name),
        )
        if cursor.rowcount:
            deployments.finish_change(connection, name)


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
    """Updating -> RollingBack to the deployment, or the variants, of before."""
    with database.transaction() as connection:
        cursor = connection.execute(
            "UPDATE endpoints SET status = 'RollingBack', failure_reason = ?, pending_id = NULL, modified_at = ?"
            " WHERE name = ? AND status = 'Updating'",
            (reason, now, name),
        )
        if cursor.rowcount:
            deployments.undo_change(connection, name)


def end_roll_back(database: Database, name: str, now: float) -> None:
    """RollingBack -> InService. The FailureReason stays until the next update."""
    with database.transaction() as connection:
        connection.execute(
            "UPDATE endpoints SET status = 'InService', modified_at = ? WHERE name = ? AND status = 'RollingBack'",
            (now, name),
        )


def fail(database: Database, name: str, reason: str, now: float) -> None:
    """Any status but Deleting -> Failed. The deployment that failed stays on record, for DescribeEndpoint."""
    with database.transaction() as connection:
        connection.execute(
            "UPDATE endpoints SET status = 'Failed', failure_reason = ?, active_id = coalesce(active_id, pending_id),"
            " pending_id = NULL, modified_at = ? WHERE name = ? AND status != 'Deleting'",
            (reason, now, name),
        )


def delete(database: Database, name: str) -> None:
    """Remove an endpoint in Deleting, with its deployments."""
    with database.transaction() as connection:
        connection.execute("DELETE FROM deployments WHERE endpoint_name = ?", (name,))
        connection.execute("DELETE FROM endpoints WHERE name = ? AND status = 'Deleting'", (name,))
