"""Probes: alive without AWS, ready only with it, and never hanging."""

import socket
import threading
import time

import pytest

from service.aws import readiness
from tests.unit.service.serving.conftest import Serve
from tests.unit.service.serving.fake_runtime import Answer, FakeRuntime, error
from tests.unit.service.serving.test_predict import problem

IN_SERVICE = Answer(
    body=b'{"EndpointName": "dog-breeds", "EndpointStatus": "InService"}',
    headers={"Content-Type": "application/x-amz-json-1.1"},
)


def refusal(code: str, message: str) -> Answer:
    """An error of SageMaker's control plane."""
    return error(400, code, __type=code, message=message)


def test_alive_without_aws(serve: Serve, fake_runtime: FakeRuntime) -> None:
    assert serve().get("/healthz").json() == {"status": "ok"}
    assert fake_runtime.asked == []


def test_ready(serve: Serve, fake_runtime: FakeRuntime) -> None:
    fake_runtime.answers = [IN_SERVICE]
    client = serve(fresh=True)
    assert client.get("/readyz").json() == {
        "status": "ready",
        "region": "us-east-1",
        "default_endpoint": {"name": "dog-breeds", "status": "InService"},
    }
    fake_runtime.answers = [refusal("ValidationException", 'Could not find endpoint "dog-breeds".')]
    assert client.get("/readyz").json()["default_endpoint"]["status"] == "NotFound"


def test_refused_credentials_are_not_ready(serve: Serve, fake_runtime: FakeRuntime) -> None:
    fake_runtime.answers = [refusal("UnrecognizedClientException", "The security token is invalid.")]
    body = problem(serve(fresh=True).get("/readyz"), 503, "aws-unavailable")
    assert "security token" in str(body["detail"])
    assert body["cause"] == "urn:sagehound:problem:access-denied"


def test_nobody_there_is_not_ready(serve: Serve, fake_runtime: FakeRuntime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    body = problem(serve(fresh=True).get("/readyz"), 503, "aws-unavailable")
    assert "AWS_ENDPOINT_URL" in str(body["action"])


def test_an_answer_that_never_comes_is_not_waited_for(
    serve: Serve, fake_runtime: FakeRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readiness, "READ_SECONDS", 0.3)
    release = threading.Event()
    fake_runtime.answers = [Answer(wait=release)]
    client = serve(fresh=True)
    try:
        began = time.monotonic()
        problem(client.get("/readyz"), 503, "aws-unavailable")
        assert time.monotonic() - began < 5
        assert client.get("/healthz").status_code == 200
    finally:
        release.set()


def test_a_listener_that_never_accepts(
    serve: Serve, fake_runtime: FakeRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readiness, "READ_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{silent.getsockname()[1]}")
        problem(serve(fresh=True).get("/readyz"), 503, "aws-unavailable")
