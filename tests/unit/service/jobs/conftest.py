"""The service under uvicorn, in front of a scripted AWS."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import uvicorn

from service.app import create_app
from service.aws.clients import Clients
from service.settings import Settings
from tests.http_client import http_client
from tests.unit.service.jobs.fake_aws import FakeAws, serving


@pytest.fixture(scope="session")
def aws_server() -> Iterator[FakeAws]:
    """The fake that all tests of this folder share."""
    with serving() as fake:
        yield fake


@pytest.fixture
def aws(aws_server: FakeAws, monkeypatch: pytest.MonkeyPatch) -> FakeAws:
    """A fake that remembers nothing, and an environment that points to it."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws_server.url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIATEST")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    aws_server.reset()
    return aws_server


@pytest.fixture(scope="session")
def source_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A training source folder with both entry points and one of somebody's own."""
    folder = tmp_path_factory.mktemp("training")
    for name in ("train_model.py", "hpo.py", "other.py"):
        (folder / name).write_text(f"print('{name}')\n")
    return folder


@pytest.fixture(scope="session")
def settings(source_dir: Path) -> Settings:
    """Settings that need no table of the SDK for the training image."""
    return Settings(training_source_dir=source_dir, training_image="images/training:1")


@pytest.fixture
def clients(aws: FakeAws, settings: Settings) -> Clients:
    """Clients of the fake that nobody has used."""
    return Clients(settings)


@pytest.fixture(scope="session")
def rest_server(aws_server: FakeAws, settings: Settings) -> Iterator[httpx.Client]:
    """One service for all tests; its clients are made at the first request of a test, when AWS is the fake."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(create_app(settings), log_level="warning", access_log=False))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        try:
            with http_client(url) as client:
                yield client
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture
def rest(aws: FakeAws, rest_server: httpx.Client) -> httpx.Client:
    """A client of the service."""
    return rest_server
