"""DeleteTrainingJob and DeleteHyperParameterTuningJob."""

import contextlib
import os
from pathlib import Path
from typing import Any

import pytest

from local_sagemaker.errors import ResourceInUse, ResourceNotFound
from local_sagemaker.operations import tags
from local_sagemaker.operations.context import Context
from local_sagemaker.operations.jobs import job_deletion, training_jobs, tuning_jobs
from local_sagemaker.runtime import process
from tests.unit.local_sagemaker.operations.job_requests import make_context
from tests.unit.local_sagemaker.operations.test_job_rules import TRAINING
from tests.unit.local_sagemaker.operations.test_tuning_job_rules import TUNING
from tests.unit.local_sagemaker.operations.test_tuning_jobs import (
    LIMITS,
    NAME,
    active,
    create,
    emit,
    end,
    new_reconciler,
    run,
    warm,
)
from tests.waiting import wait_for

OWNER = [{"Key": "owner", "Value": "me"}]


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return make_context(tmp_path)


def rows(context: Context, table: str) -> int:
    return int(context.database.connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608


def test_a_deleted_jobs_evaluator_is_ended(context: Context) -> None:
    training_jobs.create_training_job(context, TRAINING)
    end(context, "a", "Completed")
    folder = context.settings.jobs_dir / "a/evaluation"
    process.spawn(folder, ["sleep", "60"], cwd="/", env={"PATH": os.environ["PATH"]})
    wait_for((folder / "claim").exists, "claim")
    job_deletion.delete_training_job(context, {"TrainingJobName": "a"})
    assert not folder.parent.exists()
    wait_for(lambda: not sleepers(folder), "end of the evaluator")


def sleepers(folder: Path) -> list[str]:
    """Shims that still see to the folder."""
    found = []
    for command in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if str(folder).encode() in command.read_bytes():
                found.append(command.parent.name)
    return found


def test_a_training_job_is_forgotten_as_a_whole(context: Context) -> None:
    members: dict[str, Any] = {**TRAINING, "Tags": OWNER}
    arn = training_jobs.create_training_job(context, members)["TrainingJobArn"]
    folder = context.settings.jobs_dir / "a"
    folder.mkdir(parents=True)
    (folder / "log").touch()
    name = {"TrainingJobName": "a"}
    with pytest.raises(ResourceInUse, match="is in status InProgress"):
        job_deletion.delete_training_job(context, name)
    emit(context, "a", 0.5)
    end(context, "a", "Completed")
    assert tags.list_tags(context, {"ResourceArn": arn})["Tags"] == OWNER
    assert job_deletion.delete_training_job(context, name) == {}
    assert not folder.exists()
    assert [rows(context, table) for table in ("training_jobs", "job_metrics", "secondary_transitions", "tags")] == [
        0
    ] * 4
    with pytest.raises(ResourceNotFound, match="there is no training job a"):
        job_deletion.delete_training_job(context, name)
    training_jobs.create_training_job(context, members)


def test_a_tuning_job_leaves_its_training_jobs(context: Context) -> None:
    reconciler = new_reconciler(context)
    create(context, {f"{LIMITS}.MaxNumberOfTrainingJobs": 3}, {**TUNING, "Tags": OWNER})
    reconciler.reconcile()
    first = active(context)[0].name
    emit(context, first, 0.5)
    end(context, first, "Completed")
    with pytest.raises(ResourceInUse, match="belongs to the tuning job t, which has not ended"):
        job_deletion.delete_training_job(context, {"TrainingJobName": first})
    with pytest.raises(ResourceInUse, match="The tuning job t is in status InProgress"):
        job_deletion.delete_tuning_job(context, NAME)
    run(context, reconciler.reconcile, [0.4, 0.3])

    create(context, members=warm("IdenticalDataAndAlgorithm", "t"))
    with pytest.raises(ResourceInUse, match="is a parent of warm"):
        job_deletion.delete_tuning_job(context, NAME)
    tuning_jobs.stop_tuning_job(context, {"HyperParameterTuningJobName": "warm"})
    reconciler.reconcile()
    assert job_deletion.delete_tuning_job(context, NAME) == {}
    with pytest.raises(ResourceNotFound, match="called t"):
        job_deletion.delete_tuning_job(context, NAME)
    left = training_jobs.describe_training_job(context, {"TrainingJobName": first})
    assert left["TrainingJobStatus"] == "Completed"
    assert left["TuningJobArn"] is None
    # The name is free, and nothing of the old one is remembered.
    create(context)
    reconciler.reconcile()
    assert [job.tuning_number for job in active(context)] == [1, 2, 3]
    assert len(training_jobs.list_training_jobs(context, {})["TrainingJobSummaries"]) == 6
    described = tuning_jobs.describe_tuning_job(context, NAME)
    assert described["TrainingJobStatusCounters"]["InProgress"] == 3
