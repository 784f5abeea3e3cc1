"""Deployments: what endpoints run or shall run."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from local_sagemaker.store.database import Database


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
    model_data_compressed: bool = True  # False: the object, or all objects below a prefix that ends in /, as they are
    serverless: Mapping[str, int] | None = None  # ServerlessConfig


@dataclass(frozen=True)
class Deployment:
    """A row of `deployments`: the model servers that an endpoint runs or shall run.

    `deployment_config`, `async_inference` and `data_capture` are the members as they were given (data_capture with
    EnableCapture true, else None). `former_variants` is what `variants` were before a change of weights and instance
    counts that is under way. `shift_started_at` is when traffic began to move to it, epoch seconds.
    """

    id: str
    endpoint_name: str
    config_name: str
    created_at: float
    variants: tuple[Variant, ...]
    deployment_config: Mapping[str, Any] | None = None
    async_inference: Mapping[str, Any] | None = None
    data_capture: Mapping[str, Any] | None = None
    former_variants: tuple[Variant, ...] | None = None
    shift_started_at: float | None = None

    @property
    def instance_count(self) -> int:
        """Instances of all variants together; 0 for a serverless one."""
        return sum(variant.instance_count for variant in self.variants)


def insert(connection: sqlite3.Connection, row: Deployment) -> None:
    """Add a deployment, in the transaction that names it in its endpoint's row."""
    connection.execute(
        "INSERT INTO deployments (id, endpoint_name, config_name, created_at, variants, deployment_config,"
        " async_inference, data_capture) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            row.id,
            row.endpoint_name,
            row.config_name,
            row.created_at,
            _variants_json(row.variants),
            *(
                None if value is None else json.dumps(value)
                for value in (row.deployment_config, row.async_inference, row.data_capture)
            ),
        ),
    )


def find(database: Database, deployment_id: str) -> Deployment | None:
    """One deployment."""
    row = database.connection.execute("SELECT * FROM deployments WHERE id = ?", (deployment_id,)).fetchone()
    return None if row is None else _deployment(row)


def of_endpoint(database: Database, endpoint_name: str) -> list[Deployment]:
    """All deployments of an endpoint, those on their way out included."""
    rows = database.connection.execute("SELECT * FROM deployments WHERE endpoint_name = ?", (endpoint_name,))
    return [_deployment(row) for row in rows]


def begin_change(connection: sqlite3.Connection, changed: Deployment) -> None:
    """Other variants of a deployment, until the change is finished or undone."""
    connection.execute(
        "UPDATE deployments SET former_variants = variants, variants = ? WHERE id = ?",
        (_variants_json(changed.variants), changed.id),
    )


def finish_change(connection: sqlite3.Connection, endpoint_name: str) -> None:
    """The variants are as they shall be."""
    connection.execute("UPDATE deployments SET former_variants = NULL WHERE endpoint_name = ?", (endpoint_name,))


def undo_change(connection: sqlite3.Connection, endpoint_name: str) -> None:
    """The variants of before, where a change is under way."""
    connection.execute(
        "UPDATE deployments SET variants = former_variants, former_variants = NULL"
        " WHERE endpoint_name = ? AND former_variants IS NOT NULL",
        (endpoint_name,),
    )


def begin_shift(database: Database, deployment_id: str, now: float) -> None:
    """Traffic begins to move to a pending deployment."""
    with database.transaction() as connection:
        connection.execute("UPDATE deployments SET shift_started_at = ? WHERE id = ?", (now, deployment_id))


def delete(database: Database, deployment_id: str) -> None:
    """Remove a deployment whose model servers have ended."""
    with database.transaction() as connection:
        connection.execute("DELETE FROM deployments WHERE id = ?", (deployment_id,))


def _variants_json(variants: Sequence[Variant]) -> str:
    return json.dumps([asdict(variant) for variant in variants])


def _variants(text: str) -> tuple[Variant, ...]:
    return tuple(Variant(**variant) for variant in json.loads(text))


def _deployment(row: sqlite3.Row) -> Deployment:
    json_columns = ("deployment_config", "async_inference", "data_capture")
    return Deployment(
        row["id"],
        row["endpoint_name"],
        row["config_name"],
        row["created_at"],
        _variants(row["variants"]),
        former_variants=None if row["former_variants"] is None else _variants(row["former_variants"]),
        shift_started_at=row["shift_started_at"],
        **{name: None if row[name] is None else json.loads(row[name]) for name in json_columns},
    )
