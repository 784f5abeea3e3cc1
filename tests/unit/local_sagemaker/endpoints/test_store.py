"""store/endpoints.py and store/deployments.py: an older state is opened with all that is in it."""

import json
import sqlite3
from pathlib import Path

import pytest

from local_sagemaker.store import deployments, endpoints
from local_sagemaker.store.database import SCHEMA_DIR, Database
from local_sagemaker.store.deployments import Deployment, Variant

VARIANT = {
    "name": "AllTraffic",
    "model_name": "m",
    "image": "image:1",
    "model_data_url": "s3://b/k",
    "environment": {"A": "b"},
    "instance_type": "ml.m5.large",
    "instance_count": 2,
    "weight": 1.0,
    "least_loaded": True,
    "volume_size_gb": None,
    "download_timeout_seconds": None,
    "startup_timeout_seconds": None,
}


@pytest.fixture
def first_version(tmp_path: Path) -> Path:
    """A state of the first schema with an endpoint that is being updated."""
    path = tmp_path / "old.db"
    connection = sqlite3.connect(path)
    connection.executescript((SCHEMA_DIR / "001_first.sql").read_text())
    connection.execute("PRAGMA user_version = 1")
    connection.execute("INSERT INTO endpoints VALUES ('Dogs', 'arn', 'Updating', NULL, 1, 2, 'd1', 'd2')")
    for id_ in ("d1", "d2"):
        connection.execute("INSERT INTO deployments VALUES (?, 'Dogs', 'c', 1, ?)", (id_, json.dumps([VARIANT])))
    connection.commit()
    connection.close()
    return path


def test_endpoints_of_the_first_version_go_on(first_version: Path) -> None:
    database = Database(first_version)
    found = endpoints.find(database, "dogs")
    assert found is not None
    assert (found.name, found.status, found.wanted_ids) == ("Dogs", "Updating", frozenset({"d1", "d2"}))
    variant = Variant(**VARIANT)  # type: ignore[arg-type]
    assert deployments.of_endpoint(database, "Dogs") == [
        Deployment("d1", "Dogs", "c", 1.0, (variant,)),
        Deployment("d2", "Dogs", "c", 1.0, (variant,)),
    ]
    endpoints.roll_back(database, "Dogs", "no", 3.0)
    endpoints.end_roll_back(database, "Dogs", 4.0)
    deployments.delete(database, "d2")
    assert database.connection.execute("PRAGMA foreign_key_check").fetchall() == []
    with pytest.raises(sqlite3.IntegrityError), database.transaction() as connection:
        connection.execute(
            "INSERT INTO deployments (id, endpoint_name, config_name, created_at, variants)"
            " VALUES ('d3', 'nobody', 'c', 1, '[]')"
        )
    database.connection.close()
