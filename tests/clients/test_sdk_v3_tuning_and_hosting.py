"""The SageMaker SDK version 3 tunes and deploys: HyperparameterTuner, ModelBuilder, the core resources."""

import os

import pytest

from tests.clients.client_process import CLIENT_PATH
from tests.clients.conftest import RunClient
from tests.local_server import REPOSITORY, LocalServer, boto_client


def test_tuner(run_v3: RunClient, server: LocalServer) -> None:
    """tune, wait, best_training_job, analytics, stop."""
    found = run_v3("tune.py", "tuned-v3").result
    assert (found["status"], found["stopped"], found["counters"]) == ("Completed", "Stopped", 4)
    assert found["tuning jobs"] == [found["name"]]
    rows = {row["TrainingJobName"]: row for row in found["rows"]}
    assert sorted(rows) == sorted(found["children"])
    assert len(rows) == 4
    assert {row["TrainingJobStatus"] for row in rows.values()} == {"Completed"}
    for row in rows.values():
        expected = (row["lr"] - 0.5) ** 2 + row["epochs"] / 1000  # the script's own formula
        assert row["FinalObjectiveValue"] == pytest.approx(expected, abs=1e-6)
        assert row["batch-size"] in {32, 64}
    best = min(rows.values(), key=lambda row: row["FinalObjectiveValue"])["TrainingJobName"]
    assert found["best"] == found["best by core"] == best
    assert found["best model"] == f"s3://tuned-v3/out/{best}/output/model.tar.gz"

    sagemaker = boto_client(server, "sagemaker")
    job = sagemaker.describe_training_job(TrainingJobName=best)
    assert job["HyperParameters"]["optimizer"] == "adam"
    assert {channel["ChannelName"] for channel in job["InputDataConfig"]} >= {"train", "sm_drivers"}
    summaries = sagemaker.list_training_jobs(NameContains="stopping-", StatusEquals="InProgress")
    assert summaries["TrainingJobSummaries"] == []


def test_model_builder_and_endpoints(run_v3: RunClient) -> None:
    """build, deploy, invoke, a model's error, asynchronous inference, get_all, delete, wait_for_delete."""
    path = os.pathsep.join([str(CLIENT_PATH), str(REPOSITORY / "docs")])
    found = run_v3("deploy.py", PYTHONPATH=path).result
    assert found["bucket"] == "sagemaker-us-east-1-123456789012"
    assert found["role"].startswith("arn:aws:iam::123456789012:role/")
    assert (found["answer"], found["content type"]) == ([3, 7.5], "application/json")
    code, status, message = found["error"]
    assert (code, status) == ("ModelError", 500)
    assert "this model reads application/json, not text/csv" in message
    assert found["streamed"] == "AttributeError: 'EventStream' object has no attribute 'get'"  # the client's fault
    assert found["queued"] == [15]
    assert found["endpoints"] == {"core": "InService", "triple": "InService"}
    assert found["configs"] == ["core", "triple"]
    assert "(ValidationException)" in found["deleted"]
    assert "Could not find endpoint" in found["deleted"]
    assert found["left"] == [0, 0, 0]
