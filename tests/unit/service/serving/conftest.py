"""The service under uvicorn on loopback, with a fake SageMaker Runtime behind it."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from service.app import create_app
from service.settings import Settings
from tests.http_client import http_client
from tests.unit.service.serving.fake_aws import FakeClients
from tests.unit.service.serving.fake_runtime import Answer, FakeRuntime, serving

Serve = Callable[..., httpx.Client]


@pytest.fixture(scope="session")
def runtime_server() -> Iterator[FakeRuntime]:
    """The fake that all tests share."""
    with serving() as fake:
        yield fake


@pytest.fixture
def fake_runtime(runtime_server: FakeRuntime, monkeypatch: pytest.MonkeyPatch) -> FakeRuntime:
    """A fake that remembers nothing, and an environment that points to it."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ENDPOINT_URL", runtime_server.url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIATEST")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    runtime_server.asked.clear()
    runtime_server.answers = [Answer()]
    return runtime_server


@pytest.fixture(scope="session")
def shared_service() -> Iterator[httpx.Client]:
    """One service with the default settings; it resolves its runtime at the first prediction."""
    with running(create_app(Settings())) as url, http_client(url, 30) as client:
        yield client


@pytest.fixture
def serve(fake_runtime: FakeRuntime, shared_service: httpx.Client) -> Iterator[Serve]:
    """Answers a client of the service. `fresh=True` and any setting start a service of its own."""
    with ExitStack() as stack:

        def start(*, fresh: bool = False, **settings: object) -> httpx.Client:
            if not fresh and not settings:
                return shared_service
            app = create_app(Settings(**settings))  # type: ignore[arg-type] # checked by pydantic
            url = stack.enter_context(running(app))
            return stack.enter_context(http_client(url, 30))

        yield start


@contextmanager
def running(app: FastAPI) -> Iterator[str]:
    """The app under uvicorn in a thread, on a free port; answers its URL."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            deadline = time.monotonic() + 20
            while not server.started:
                assert thread.is_alive(), "the service ended while it started"
                assert time.monotonic() < deadline, "the service did not start"
                time.sleep(0.01)
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture
def aws(tmp_path: Path) -> FakeClients:
    """AWS in memory, with a small folder of inference code."""
    folder = tmp_path / "inference"
    (folder / "sub" / "__pycache__").mkdir(parents=True)
    (folder / "inference.py").write_text("handler = 1\n")
    (folder / "requirements.txt").write_text("numpy\n")
    (folder / "sub" / "images.py").write_text("")
    (folder / "sub" / "__pycache__" / "images.pyc").write_bytes(b"\0")
    (folder / ".hidden").write_text("secret")
    return FakeClients(folder)
