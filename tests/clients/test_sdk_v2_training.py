"""The SageMaker SDK version 2 trains: estimators as notebooks write them."""

import json
import tarfile
from io import BytesIO
from typing import Any

import pytest

from tests.clients.conftest import RunClient
from tests.local_server import LocalServer, boto_client

BUCKET = "notebook"


@pytest.fixture(scope="module")
def s3(server: LocalServer) -> Any:
    """An S3 client of the server; the notebook's bucket is there."""
    client = boto_client(server, "s3", s3={"addressing_style": "path"})
    client.create_bucket(Bucket=BUCKET)
    return client


@pytest.fixture(scope="module")
def sagemaker(server: LocalServer) -> Any:
    """A SageMaker client of the server."""
    return boto_client(server, "sagemaker")


def test_estimator_fits_attaches_and_deploys(run_v2: RunClient, sagemaker: Any, s3: Any) -> None:
    """fit(wait, logs) with everything an estimator is usually given; attach, analytics, deploy, predict, delete."""
    ran = run_v2("fit_estimator.py", BUCKET)
    found = ran.result
    job = sagemaker.describe_training_job(TrainingJobName=found["job"])

    assert job["TrainingJobStatus"] == "Completed"
    [metric] = job["FinalMetricDataList"]
    assert (metric["MetricName"], metric["Value"]) == ("train:loss", pytest.approx(0.421875))
    for line in ("rows 6", "salad ['apple', 'pear'] area 12.57 flavour sweet and sour", "epoch=3 train:loss=0.421875"):
        assert ran.stdout.count(line) == 2, ran.stdout  # fit's logs and the attached estimator's
    assert "Completed - Training job completed" in ran.stdout

    assert found["model_data"] == job["ModelArtifacts"]["S3ModelArtifacts"]
    assert found["downloaded"] == ["model.tar.gz"]
    assert found["attached"]["model_data"] == found["model_data"]
    assert found["attached"]["instance_type"] == "ml.m5.large"
    assert found["attached"]["hyperparameters"].items() >= {"epochs": "3", "layers": "[16, 32]"}.items()
    assert {metric["metric_name"] for metric in found["metrics"]} == {"train:loss"}
    assert found["npy"] == [3.0, 6.0]
    assert found["json"] == [12.0, 15.0]

    checkpoints = s3.list_objects_v2(Bucket=BUCKET, Prefix="checkpoints/dogs/")["Contents"]
    assert [entry["Key"] for entry in checkpoints] == [f"checkpoints/dogs/epoch-{n}.json" for n in (1, 2, 3)]
    seen = json.loads(_members(s3, f"{found['job']}/output/output.tar.gz")["seen.json"])
    assert seen["hosts"] == ["algo-1"]
    assert seen["arguments"].items() >= {"epochs": 3, "lr": 0.25, "optimizer": "adam w", "augment": True}.items()
    assert seen["arguments"]["layers"] == [16, 32]
    assert seen["arguments"]["class_weights"] == {"cat": 0.5, "dog": 1.5}
    assert {"Key": "team", "Value": "dogs"} in sagemaker.list_tags(ResourceArn=job["TrainingJobArn"])["Tags"]


def test_failures_reach_the_notebook(run_v2: RunClient, s3: Any) -> None:
    """A script that raises, a stopped job, one out of time, a name taken, a job unknown, data that is not there."""
    found = run_v2("fit_and_fail.py", BUCKET).result
    assert found["failure"]["status"] == "Failed"
    assert 'ErrorMessage "RuntimeError: no dogs in the picture: 7"' in found["failure"]["message"]
    assert "exit code: 1" in found["failure"]["message"]
    assert found["stopped"] == "Stopped"
    assert found["late"] == "MaxRuntimeExceeded"
    assert found["duplicate"] == "ResourceInUse"
    assert found["missing"] == {"Code": "ValidationException", "Message": "Requested resource not found."}
    assert "No S3 objects found under S3 URL 's3://notebook/nothing-here/'" in found["no_data"]


def test_debugger_and_profiler(run_v2: RunClient, sagemaker: Any, s3: Any) -> None:
    """The hook of smdebug from the job's JSON configuration, rules, a framework profile: what a notebook asks for."""
    ran = run_v2("fit_with_debugger.py", BUCKET)
    found = ran.result
    assert "epoch 1 validation loss" in ran.stdout
    assert found["artifacts"] == f"s3://{BUCKET}/{found['job']}/debug-output"
    keys = [
        entry["Key"].removeprefix(f"{found['job']}/debug-output/")
        for entry in s3.list_objects_v2(Bucket=BUCKET, Prefix=f"{found['job']}/debug-output/")["Contents"]
    ]
    assert "training_job_end.ts" in keys
    assert any(key.startswith("events/") and key.endswith(".tfevents") for key in keys), keys
    assert [rule["RuleConfigurationName"] for rule in found["rules"]] == [
        "VanishingGradient",
        "Overfit",
        "LossNotDecreasing",
        "ProfilerReport",
    ]
    for rule in found["rules"]:  # no bare Error: a rule that could not judge says why
        assert rule["RuleEvaluationStatus"] in {"NoIssuesFound", "IssuesFound", "Error"}
        assert rule["RuleEvaluationStatus"] == "NoIssuesFound" or rule["StatusDetails"]
    job = sagemaker.describe_training_job(TrainingJobName=found["job"])
    assert job["DebugHookConfig"]["HookParameters"] == {"train.save_interval": "2", "eval.save_interval": "1"}
    assert job["ProfilerConfig"]["ProfilingIntervalInMilliseconds"] == 500


def test_two_hosts_with_torchrun(run_v2: RunClient, sagemaker: Any, s3: Any) -> None:
    """`distribution={"torch_distributed": ...}` with two instances: both ranks' lines, one model."""
    ran = run_v2("fit_distributed.py", BUCKET)
    job = sagemaker.describe_training_job(TrainingJobName=ran.result["job"])
    assert job["ResourceConfig"]["InstanceCount"] == 2
    for rank, host in enumerate(("algo-1", "algo-2")):
        assert f"rank {rank} of 2 on {host}: 3.0" in ran.stdout
    summary = _members(s3, ran.result["model_data"].removeprefix(f"s3://{BUCKET}/"))["summary.json"]
    assert json.loads(summary) == {"world": 2, "sum": 3.0, "hosts": ["algo-1", "algo-2"]}


def test_role_and_default_bucket(run_v2: RunClient) -> None:
    """get_execution_role() and default_bucket() with docs/local_sts.py."""
    found = run_v2("whoami.py").result
    assert found["bucket"] == "sagemaker-us-east-1-123456789012"
    assert found["account"] == "123456789012"
    assert found["role"].startswith("arn:aws:iam::123456789012:role/")
    assert found["read"] == "hello"


def _members(s3: Any, key: str) -> dict[str, bytes]:
    body = s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    with tarfile.open(fileobj=BytesIO(body)) as tar:
        return {m.name: file.read() for m in tar if m.isfile() and (file := tar.extractfile(m)) is not None}
