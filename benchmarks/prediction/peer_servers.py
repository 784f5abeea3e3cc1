"""The servers that people would pick, started: LitServe in some settings, and SageMaker's public PyTorch handler."""

import subprocess
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks.environments import python_of
from benchmarks.prediction import processes
from benchmarks.prediction.processes import Part
from tests.e2e.ports import free_port

PEERS = Path(__file__).parent / "peers"
START_SECONDS = 180.0
STOP_SECONDS = 20.0


@dataclass(frozen=True)
class LitServeSetting:
    """Images a batch (5 ms are waited for one to fill), model workers, torch threads of each."""

    batch: int
    workers: int
    threads: int

    def __str__(self) -> str:
        return f"LitServe, batch {self.batch}, {self.workers} x {self.threads} threads"


# Two cores can be used by two threads of one worker or by two workers.
LITSERVE_SETTINGS = (LitServeSetting(8, 1, 2), LitServeSetting(1, 1, 2), LitServeSetting(1, 2, 1))


@dataclass(frozen=True)
class Peer:
    """A running peer: what a load asks, and its processes."""

    name: str
    predict_url: str
    parts: Sequence[Part]


@contextmanager
def litserve(setting: LitServeSetting, artifact: Path, log: Path) -> Iterator[Peer]:
    """LitServe in front of torch in eager mode."""
    port = free_port()
    figures = (port, setting.batch, setting.workers, setting.threads)
    command: list[str | Path] = [python_of("litserve"), PEERS / "litserve_server.py", artifact, *map(str, figures)]
    with _running(command, log) as pid:
        _wait(f"http://127.0.0.1:{port}/health", log)
        yield Peer(str(setting), f"http://127.0.0.1:{port}/predict", [Part("LitServe", lambda: {pid})])


@contextmanager
def toolkit(artifact: Path, log: Path) -> Iterator[Peer]:
    """SageMaker's PyTorch handler behind uvicorn, torch in eager mode on two threads."""
    port = free_port()
    command: list[str | Path] = [python_of("toolkit"), PEERS / "toolkit_server.py", artifact, str(port), "2"]
    with _running(command, log) as pid:
        _wait(f"http://127.0.0.1:{port}/ping", log)
        yield Peer(
            "SageMaker PyTorch handler", f"http://127.0.0.1:{port}/invocations", [Part("handler", lambda: {pid})]
        )


@contextmanager
def _running(command: Sequence[str | Path], log: Path) -> Iterator[int]:
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    try:
        yield process.pid
    finally:
        started = processes.trees([process.pid])
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)
        processes.kill(started)  # LitServe leaves model workers behind
        process.wait()


def _wait(url: str, log: Path) -> None:
    """Until it answers 200: with LitServe and the handler that is when the model is loaded."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            with opener.open(url, timeout=5):
                return
        except OSError:
            if time.monotonic() > deadline:
                raise RuntimeError(f"no answer from {url}:\n{log.read_text()}") from None
            time.sleep(0.2)
