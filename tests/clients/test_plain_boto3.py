"""boto3 alone: paginators, waiters, error classes, regions. Today's version and the first with AWS_ENDPOINT_URL."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.clients.client_process import client_environment
from tests.clients.conftest import RunClient, script_runner
from tests.local_server import running_server

VERSIONS = ["boto3", "boto3_old"]


@pytest.fixture(scope="module", params=VERSIONS)
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunClient]:
    """Runs a script of plain_boto3/ with one version, against a server of that version's own."""
    with running_server(tmp_path_factory.mktemp("state"), stop_grace_seconds=5) as server:
        env = client_environment(server.base_url, tmp_path_factory.mktemp("home"))
        yield script_runner("plain_boto3", env, tmp_path_factory, environment_name=request.param)


def test_pages_and_waiters(run: RunClient) -> None:
    """Every list operation in pages of two; every waiter of a supported operation, also on what failed or is gone."""
    found = run("pages_and_waiters.py").result
    assert found["training_jobs"] == [f"job-{number}" for number in range(5)]
    assert found["page_sizes"] == [2, 2, 1]
    assert found["filtered"] == [1]
    assert found["tags"] == ["k0", "k1", "k2"]
    assert 'terminal failure state: For expression "TrainingJobStatus" we matched' in found["waiter_error"]
    assert found["tuning_status"] == "Completed"
    assert found["tuning_jobs"] == [2, 1]
    assert found["tuning_trials"] == [2, 1]
    assert found["models"] == found["configs"] == found["endpoints"] == [2, 1]
    assert found["prediction"] == 42
    assert "ValidationException" in found["no_endpoint"]
    assert found["streams"] == 5
    assert found["events"] == 5
    assert found["metric"] == [0.5]


def test_errors_and_regions(run: RunClient) -> None:
    """The error classes that boto3 makes of the service model, and ValidationException, which is not in it."""
    found: dict[str, Any] = run("errors_and_regions.py").result
    assert found["in_use"] == ["ResourceInUse", 400]
    assert "never" in found["not_found"] or "not" in found["not_found"].lower()
    for error in found["describe"].values():
        assert error is not None
        assert error[0] == "ValidationException"
    assert found["describe"]["training_job"][1] == "Requested resource not found."
    assert all("Could not find" in found["describe"][noun][1] for noun in ("model", "config", "endpoint"))
    assert found["bad_enum"][0] == found["bad_name"][0] == "ValidationException"
    assert "ml.huge" in found["bad_enum"][1]
    assert "'trainingJobName' failed to satisfy constraint" in found["bad_name"][1]
    assert found["unknown_operation"][0] == "UnknownOperationException"
    assert found["no_endpoint"][0] == "ValidationError"
    assert found["stop_ended"][0] == "ValidationException"
    assert found["creating"][0] == "ValidationException"
    assert found["model_error"]["status"] == 424
    assert found["model_error"]["original"] == 500
    assert "no such breed" in found["model_error"]["message"]
    assert found["model_error"]["log"].startswith("arn:aws:logs:us-east-1:123456789012:log-group:/aws/sagemaker/E")
    assert found["abroad"] == "arn:aws:sagemaker:eu-west-1:123456789012:training-job/abroad"
    assert found["abroad_log"] == ["eu-west-1 eu-west-1"]
    assert found["stream_arn"].startswith("arn:aws:logs:eu-west-1:")
    assert found["stopped"] == "Stopped"


def test_retries(run: RunClient) -> None:
    """Botocore tries again what was throttled or failed on demand; without retries the error is AWS's own."""
    found = run("retries.py").result
    for kind in ("throttled", "s3_throttled", "failed"):
        calls, attempts = found[kind]
        assert calls == 20
        assert attempts > 0, kind
    assert found["throttling"] == ["ThrottlingException", "Rate exceeded"]
    assert found["slow_down"][0] == "SlowDown"
    assert found["error"][0] in {"InternalFailure", "ServiceUnavailable"}
    assert found["spared"] is None
    assert found["after"] == [None, None]
    assert found["objects"] == 20
