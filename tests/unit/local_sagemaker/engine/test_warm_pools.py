"""Which job takes over whose instances, and for how long they are kept."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from local_sagemaker import clock
from local_sagemaker.engine.training.warm_pools import WarmPools, matches
from local_sagemaker.store import training_jobs, warm_pools
from local_sagemaker.store.database import Database
from local_sagemaker.store.training_jobs import TrainingJob

REQUEST: dict[str, Any] = {
    "RoleArn": "arn:aws:iam::123456789012:role/a",
    "ResourceConfig": {
        "InstanceType": "ml.m5.large",
        "InstanceCount": 1,
        "VolumeSizeInGB": 1,
        "KeepAlivePeriodInSeconds": 60,
    },
}


def with_resources(**resources: object) -> dict[str, Any]:
    """The request with other resources."""
    return {**REQUEST, "ResourceConfig": {**REQUEST["ResourceConfig"], **resources}}


@pytest.fixture
def database(tmp_path: Path) -> Database:
    """An empty one."""
    return Database(tmp_path / "x.db")


def job(database: Database, name: str, request: dict[str, Any] | None = None) -> TrainingJob:
    """A job of the database."""
    made = training_jobs.new_training_job(name, f"arn:{name}", "us-east-1", request=request or REQUEST, now=1.0)
    training_jobs.insert(database, made)
    return made


@pytest.mark.parametrize(
    ("request_", "same"),
    [
        (REQUEST, True),
        ({**REQUEST, "HyperParameters": {"lr": "0.1"}, "InputDataConfig": [], "Environment": {"A": "b"}}, True),
        (with_resources(KeepAlivePeriodInSeconds=0), True),
        ({**REQUEST, "EnableInterContainerTrafficEncryption": False}, True),
        ({**REQUEST, "EnableInterContainerTrafficEncryption": True}, False),
        ({**REQUEST, "RoleArn": "arn:aws:iam::123456789012:role/b"}, False),
        (with_resources(InstanceType="ml.m5.xlarge"), False),
        (with_resources(InstanceCount=2), False),
        (with_resources(VolumeSizeInGB=2), False),
        ({**REQUEST, "EnableManagedSpotTraining": True}, False),
        (with_resources(InstanceGroups=[{"InstanceCount": 1}]), False),
    ],
)
def test_instances_serve_a_job_that_asks_for_the_same(request_: dict[str, Any], same: bool) -> None:
    assert matches(REQUEST, request_) == same


def test_the_pool_moves_from_job_to_job(database: Database) -> None:
    pools, now = WarmPools(database), clock.now()
    pools.reconcile()
    first, second, third = (job(database, name) for name in ("first", "second", "third"))
    pools.begin(first, now)
    pools.begin(second, now)  # beside it: instances of its own
    assert [warm_pools.get(database, name).status for name in ("first", "second")] == ["InUse", "InUse"]  # type: ignore[union-attr]
    pools.end(first, now)
    pools.begin(third, now + 59)
    pools.begin(third, now + 59)  # once more, after an interruption
    pools.end(second, now + 60)
    moved = warm_pools.get(database, "first")
    assert moved is not None
    assert (moved.status, moved.reused_by, moved.retained_seconds(now + 99)) == ("Reused", "third", 59.0)
    assert pools.reconcile() == pytest.approx(120, abs=5)


def test_a_pool_whose_time_is_over_serves_nobody_and_ends(database: Database) -> None:
    pools, now = WarmPools(database), clock.now()
    pools.reconcile()
    first, second = job(database, "first"), job(database, "second", with_resources(KeepAlivePeriodInSeconds=0))
    pools.begin(first, now - 100)
    pools.end(first, now - 61)
    pools.begin(second, now)
    assert warm_pools.get(database, "second") is None
    assert pools.reconcile() is None
    ended = warm_pools.get(database, "first")
    assert ended is not None
    assert ended.status == "Terminated"
    assert ended.retained_seconds(now) == pytest.approx(60)


@pytest.mark.parametrize(
    ("reason", "seconds", "status"),
    [
        (None, 60, "Available"),
        ("AlgorithmError: exit code: 1", 60, "Available"),
        ("ClientError: no data", 60, "Available"),
        ("InternalServerError: lost", 60, "Terminated"),
        (None, 0, "Terminated"),
    ],
)
def test_the_platforms_own_failure_ends_a_pool(
    database: Database, reason: str | None, seconds: int, status: str
) -> None:
    pools, made = WarmPools(database), job(database, "a", with_resources(KeepAlivePeriodInSeconds=seconds))
    warm_pools.use(database, "a")  # taken over from another job
    pools.end(replace(made, failure_reason=reason), 3.0)
    pool = warm_pools.get(database, "a")
    assert pool is not None
    assert pool.status == status


def test_the_pools_of_an_earlier_process_are_gone(database: Database) -> None:
    pools, now = WarmPools(database), clock.now()
    pools.begin(job(database, "a"), now)
    pools.end(job(database, "b"), now)  # it never had instances
    warm_pools.keep(database, "a", available_at=now, keep_until=now + 60)
    WarmPools(database).reconcile()
    pool = warm_pools.get(database, "a")
    assert pool is not None
    assert pool.status == "Terminated"
    assert warm_pools.get(database, "b") is None
