"""A model server as the engine sees it, with another command in its place."""

import os
import signal
from pathlib import Path

from local_sagemaker.engine.endpoints.endpoint import Phase
from local_sagemaker.engine.endpoints.watched_server import WatchedServer
from local_sagemaker.engine.loop import Background
from local_sagemaker.runtime import process
from local_sagemaker.runtime.process import Running
from local_sagemaker.runtime.serving.folder import Start
from model_server.serving import Serving
from tests.waiting import wait_for

SECONDS = 20.0


def test_a_start_that_came_late_is_not_started_again(tmp_path: Path) -> None:
    """On a full disk a shim may come long after it was asked for, between a look and the next start."""
    pings = Background(lambda: None)
    server = WatchedServer(0, tmp_path / "0", tmp_path / "log", "AllTraffic/i-0", pings)
    assert server.observe(0.0).phase is Phase.ABSENT
    process.spawn(tmp_path / "0/1", ["sleep", "60"], cwd=tmp_path, env={"PATH": os.environ["PATH"]})
    first = wait_for(lambda: _running(tmp_path / "0/1"), "the late start", SECONDS)
    try:
        server.start(Start(Serving(tmp_path, tmp_path), timeout_seconds=60.0, cpus=1), {}, {})
        assert process.observe(tmp_path / "0/1") == first
        assert [path.name for path in (tmp_path / "0").iterdir()] == ["1"]
    finally:
        assert server.signal(signal.SIGKILL)
        wait_for(lambda: not server.runs(), "its end", SECONDS)
        pings.close()


def _running(folder: Path) -> Running | None:
    state = process.observe(folder)
    return state if isinstance(state, Running) and state.pid > 0 else None
