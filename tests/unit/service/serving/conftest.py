"""The service with a fake SageMaker Runtime behind it."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing

import httpx
import pytest
import uvicorn

from service.app import create_app
from service.settings import Settings
from tests.unit.service.serving.fake_runtime import FakeRuntime, serving

Serve = Callable[..., httpx.Client]


@pytest.fixture
def fake_runtime(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeRuntime]:
    """A fake that the service's environment points to."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    with serving() as fake:
        monkeypatch.setenv("AWS_ENDPOINT_URL", fake.url)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIATEST")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        yield fake


@pytest.fixture
def serve(fake_runtime: FakeRuntime) -> Iterator[Serve]:
    """Starts the service under uvicorn on a free port; its settings are keywords. Answers a client of it."""
    with ExitStack() as stack:

        def start(**settings: object) -> httpx.Client:
            url = stack.enter_context(_Server(Settings(**settings)))  # type: ignore[arg-type] # checked by pydantic
            return stack.enter_context(httpx.Client(base_url=url, timeout=30, trust_env=False))

        yield start


class _Server:
    def __init__(self, settings: Settings) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        config = uvicorn.Config(create_app(settings), log_level="warning", access_log=False)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._socket]})

    def __enter__(self) -> str:
        self._thread.start()
        deadline = time.monotonic() + 20
        while not self._server.started:
            assert self._thread.is_alive(), "the service ended while it started"
            assert time.monotonic() < deadline, "the service did not start"
            time.sleep(0.01)
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join()
        with closing(self._socket):
            pass
