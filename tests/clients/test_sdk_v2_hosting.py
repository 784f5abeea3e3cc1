"""The SageMaker SDK version 2 deploys and predicts."""

import json
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


def test_models_deploy_and_predict(run_v2: RunClient, server: LocalServer, s3: Any) -> None:
    """PyTorchModel.deploy with every kind of handler; npy, JSON and bytes; data capture, update, delete."""
    found = run_v2("deploy_models.py", BUCKET).result
    assert found["npy"] == [[10.0, 20.0]]
    assert found["json"] == [10.0, 20.0, 30.0]
    assert json.loads(found["bytes"]) == [10.0, 20.0]
    assert found["model_error"]["status"] == 500
    assert "content type image/jpeg" in found["model_error"]["original"]
    assert found["updated"] == [100.0]
    assert found["config"].startswith("plain-")
    assert found["pickled"] == {"y": 41}
    assert found["model_fn"] == [[5.0]]
    assert found["transform"] == "seen a dog as text/plain"
    assert "weights.json" in found["broken"]

    sagemaker = boto_client(server, "sagemaker")
    assert sagemaker.list_endpoint_configs()["EndpointConfigs"] is not None
    captured = [
        json.loads(line)
        for entry in s3.list_objects_v2(Bucket=BUCKET, Prefix="captured/plain/AllTraffic/")["Contents"]
        for line in s3.get_object(Bucket=BUCKET, Key=entry["Key"])["Body"].read().decode().splitlines()
    ]
    inputs = [line["captureData"]["endpointInput"] for line in captured]
    assert {"application/json", "application/x-npy"} <= {entry["observedContentType"] for entry in inputs}


def test_serverless_and_asynchronous(run_v2: RunClient, s3: Any) -> None:
    """predict_async with data and with an S3 path, the failure object, a serverless endpoint."""
    found = run_v2("deploy_serverless_async.py", BUCKET).result
    assert found["output_path"].startswith(f"s3://{BUCKET}/answers/")
    assert found["async"] == [5.0, 10.0]
    assert found["predict"] == [15.0]
    assert found["from_s3"] == [35.0]
    assert found["failure_path"].startswith(f"s3://{BUCKET}/")
    assert "Expecting value" in found["failure"]
    assert found["serverless"] == [40.0]
    assert found["serverless_variant"]["CurrentServerlessConfig"] == {"MemorySizeInMB": 2048, "MaxConcurrency": 2}
