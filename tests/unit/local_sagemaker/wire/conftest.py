"""The wire on a real socket, with operations that a test brings itself."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from local_sagemaker.__main__ import listen
from local_sagemaker.app import create_app
from local_sagemaker.settings import Settings
from tests.local_server import boto_client

Operations = Mapping[tuple[str, str], Callable[..., Any]]
NO_OPERATIONS: Operations = {("sagemaker", "DescribeTrainingJob"): lambda context, members: {}}


@contextmanager
def served(settings: Settings, operations: Operations = NO_OPERATIONS) -> Iterator[str]:
    """The application in a thread; its URL."""
    listener = listen(settings)
    base_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    app = create_app(settings, base_url, operations=operations)
    config = uvicorn.Config(app, loop="uvloop", http="httptools", ws="none", access_log=False, log_config=None)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="server")
    thread.start()
    try:
        deadline = time.monotonic() + 20
        while not server.started:
            assert thread.is_alive(), "the server ended"
            assert time.monotonic() < deadline, "the server does not start"
            time.sleep(0.01)
        yield base_url
    finally:
        server.should_exit = True
        thread.join(20)
        assert not thread.is_alive()


@pytest.fixture(scope="module")
def state_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A module's state folder."""
    return tmp_path_factory.mktemp("state")


@pytest.fixture(scope="module")
def base_url(state_dir: Path) -> Iterator[str]:
    """A server without operations: S3 and the wire's own answers."""
    with served(Settings(port=0, state_dir=state_dir)) as url:
        yield url


@pytest.fixture(scope="module")
def s3(base_url: str) -> Any:
    """A client of the server's S3."""
    return boto_client(base_url, "s3")
