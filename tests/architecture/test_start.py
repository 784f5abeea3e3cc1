"""How long the service takes until it answers."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

REPOSITORY = Path(__file__).parent.parent.parent
BAR_SECONDS = 2.0
TRIES = 3


def seconds_waited(process: subprocess.Popen[bytes]) -> float:
    """How long the process was ready to run while others had the CPU (Linux; its main thread)."""
    return int(Path(f"/proc/{process.pid}/schedstat").read_text().split()[1]) / 1e9


def seconds_until_healthy() -> float:
    """One start of `python -m service`, up to the first answer of /healthz, less the time that other processes took."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "service"],
        cwd=REPOSITORY,
        env={**os.environ, "SAGEHOUND_HOST": "127.0.0.1", "SAGEHOUND_PORT": str(port)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        while True:
            assert process.poll() is None, "the service ended"
            assert time.perf_counter() - began < 30, "the service does not answer"
            try:
                with opener.open(f"http://127.0.0.1:{port}/healthz", timeout=5):
                    return time.perf_counter() - began - seconds_waited(process)
            except OSError:
                time.sleep(0.01)
    finally:
        process.terminate()
        process.wait(30)


def test_the_service_answers_within_two_seconds() -> None:
    """The best of three: other processes make single runs slow, and none makes one fast."""
    tried: list[float] = []
    while len(tried) < TRIES and min(tried, default=BAR_SECONDS) >= BAR_SECONDS:
        tried.append(seconds_until_healthy())
    assert min(tried) < BAR_SECONDS, f"{[f'{seconds:.2f} s' for seconds in tried]}"
