"""The SageMaker SDK version 3 trains: ModelTrainer, its drivers as they are, the core resources."""

import io
import json
import tarfile
from typing import Any

import pytest

from tests.clients.conftest import RunClient
from tests.local_server import LocalServer, boto_client

BUCKET = "dogs-v3"


@pytest.fixture(scope="module")
def s3(server: LocalServer) -> Any:
    """An S3 client of the server."""
    return boto_client(server, "s3", s3={"addressing_style": "path"})


def members(s3: Any, key: str) -> dict[str, Any]:
    """The JSON files of a tar.gz object."""
    body = s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(body)) as tar:
        return {m.name: json.load(file) for m in tar if (file := tar.extractfile(m)) is not None}


def test_model_trainer(run_v3: RunClient, server: LocalServer, s3: Any) -> None:
    """train(wait, logs) with source, requirements, channels, hyperparameters of all types and an environment."""
    ran = run_v3("train_model.py", BUCKET)
    found = ran.result
    job = boto_client(server, "sagemaker").describe_training_job(TrainingJobName=found["job"])
    assert job["AlgorithmSpecification"]["ContainerEntrypoint"] == ["/bin/bash"]
    assert [channel["ChannelName"] for channel in job["InputDataConfig"]] == ["train", "local", "code", "sm_drivers"]
    assert job["Environment"]["FLAVOUR"] == "sweet and sour"
    assert job["RetryStrategy"] == {"MaximumRetryAttempts": 2}

    lines = ["rows 6, fruit ['apple', 'pear'], area 12.57, flavour sweet and sour"]
    lines += [f"epoch={epoch} train:loss={0.75**epoch:.6f}" for epoch in (1, 2, 3)]
    said = [line for line in ran.stdout.splitlines() if line in lines]
    assert said == lines, ran.stdout  # each once, in their order
    assert found["status"] == "Completed"
    assert found["metrics"] == {"train:loss": 0.421875}
    assert found["transitions"] == ["Starting", "Downloading", "Training", "Uploading", "Completed"]
    assert found["model_data"] == f"s3://{BUCKET}/out/{found['job']}/output/model.tar.gz"
    assert members(s3, f"out/{found['job']}/output/model.tar.gz") == {"model.json": {"factor": 2}}

    seen = members(s3, f"out/{found['job']}/output/output.tar.gz")["seen.json"]
    arguments = ["--epochs", "3", "--lr", "0.25", "--optimizer", "adam w", "--augment", "true", "--layers", "[16, 32]"]
    assert seen["argv"] == [*arguments, "--class-weights", '{"cat": 0.5, "dog": 1.5}']
    assert seen["arguments"]["data"] == "/opt/ml/input/data/train"
    assert seen["arguments"]["class_weights"] == {"cat": 0.5, "dog": 1.5}
    assert seen["cwd"] == "/opt/ml/input/data/code"
    assert seen["hosts"] == ["algo-1"]
    names = ["SM_CHANNEL_CODE", "SM_CHANNEL_LOCAL", "SM_CHANNEL_SM_DRIVERS", "SM_CHANNEL_TRAIN"]
    assert (seen["channels"], seen["epochs in SM_HP"], seen["instance type"]) == (names, "3", "ml.m5.large")


def test_torchrun(run_v3: RunClient, server: LocalServer, s3: Any) -> None:
    """Two processes on one instance; one process on each of two; a host that fails stops the other."""
    found = run_v3("train_distributed.py", BUCKET).result
    sagemaker = boto_client(server, "sagemaker")
    one = members(s3, f"out/{found['one']}/output/output.tar.gz")
    assert [(rank["local rank"], rank["host"], rank["world"], rank["sum"]) for _, rank in sorted(one.items())] == [
        (0, "algo-1", 2, 3.0),
        (1, "algo-1", 2, 3.0),
    ]
    assert sagemaker.describe_training_job(TrainingJobName=found["one"])["TrainingJobStatus"] == "Completed"
    assert sagemaker.describe_training_job(TrainingJobName=found["two"])["TrainingJobStatus"] == "Completed"
    assert members(s3, f"out/{found['two']}/output/model.tar.gz") == {"model.json": {"sum": 7.5}}
    logs = boto_client(server, "logs")
    group = "/aws/sagemaker/TrainingJobs"
    streams = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=f"{found['two']}/")["logStreams"]
    ranks = {}
    for stream in streams:
        events = logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"], startFromHead=True)
        [seen] = [event["message"] for event in events["events"] if event["message"].startswith("seen ")]
        ranks[stream["logStreamName"].split("/")[1].rsplit("-", 1)[0]] = json.loads(seen.removeprefix("seen "))
    assert {host: (seen["host"], seen["hosts"], seen["world"]) for host, seen in ranks.items()} == {
        host: (host, ["algo-1", "algo-2"], 2) for host in ("algo-1", "algo-2")
    }
    assert found["failing"]["status"] == "Failed"
    assert "AlgorithmError" in found["failing"]["reason"]


def test_core_resources(run_v3: RunClient) -> None:
    """TrainingJob.create, wait, refresh, get, get_all, stop; errors as the SDK raises them."""
    found = run_v3("core_jobs.py", "core-v3").result
    assert found["done"] == ["Completed", "Completed", 0.5]
    assert "Final Resource State: Failed. Failure Reason: AlgorithmError: ExecuteUserScriptError" in found["failed"]
    assert "RuntimeError: out of dogs" in found["failed"]
    assert found["stopped"] == ["Stopped", "Stopped"]
    assert found["twice"] == "ResourceInUse"
    assert found["unknown"] == {"Code": "ValidationException", "Message": "Requested resource not found."}
    assert found["jobs"] == {"core-done": "Completed", "core-failing": "Failed", "core-stopping": "Stopped"}
    assert "core-failing" in found["failed jobs"]
