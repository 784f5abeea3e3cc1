"""The endpoint's own process, alone: `python -P -m model_server` with the artifact and inference/ as its code."""

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.prediction import processes

REPOSITORY = Path(__file__).parent.parent.parent
START_SECONDS = 60.0
STOP_SECONDS = 20.0


@dataclass(frozen=True)
class ModelServer:
    """One that answers /ping; `started_in` are the seconds from its process's start to that answer."""

    pid: int
    url: str
    started_in: float


def model_folder(artifact: Path, folder: Path) -> Path:
    """The unpacked model.tar.gz as the service deploys it: the artifact with inference/ as code/."""
    shutil.copytree(artifact, folder)
    shutil.copytree(
        REPOSITORY / "inference", folder / "code", ignore=shutil.ignore_patterns("__pycache__", "Dockerfile")
    )
    return folder


@contextmanager
def running_model_server(model: Path, precision: str, cpus: int) -> Iterator[ModelServer]:
    """Start one on a free port and wait for /ping."""
    ready, log = model.parent / "ready.json", model.parent / "model-server.log"
    ready.unlink(missing_ok=True)
    command = [sys.executable, "-P", "-m", "model_server", "--model-dir", str(model), "--code-dir", str(model / "code")]
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": os.environ.get("HOME", "/"),
        "PYTHONPATH": str(REPOSITORY),
        "OMP_NUM_THREADS": str(cpus),
        "MODEL_PRECISION": precision,
    }
    began = time.perf_counter()
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, "--port", "0", "--ready-file", str(ready)], env=environment, stdout=output, stderr=output
        )
    try:
        while not ready.exists():
            if process.poll() is not None or time.perf_counter() - began > START_SECONDS:
                raise RuntimeError(f"the model server does not start:\n{log.read_text()}")
            time.sleep(0.002)
        url = f"http://127.0.0.1:{json.loads(ready.read_text())['port']}"
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(f"{url}/ping", timeout=10):
            started_in = time.perf_counter() - began
        yield ModelServer(process.pid, url, started_in)
    finally:
        started = processes.trees([process.pid])
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            processes.kill(started)
            process.wait()
