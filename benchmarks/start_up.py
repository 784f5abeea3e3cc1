"""How long the service takes until /healthz answers, beside the least that FastAPI and uvicorn can do.

`python -m benchmarks.start_up`: both are started in turn, as processes; the best of each counts, since other processes
make single runs slow and none makes one fast.
"""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

from benchmarks.bars import Bar, end

ROUNDS = 5
PATIENCE_SECONDS = 60.0
BARE = """
import sys, uvicorn
from fastapi import FastAPI
app = FastAPI()
@app.get("/healthz")
def healthz() -> dict[str, str]:
    return {"status": "ok"}
uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="error")
"""


def main() -> int:
    """Run the rounds and print the bars."""
    ours, bare = [], []
    for _ in range(ROUNDS):
        ours.append(seconds_until_healthy(["-m", "service"]))
        bare.append(seconds_until_healthy(["-c", BARE]))
        print(f"service {ours[-1]:.2f} s, bare FastAPI application {bare[-1]:.2f} s")
    print(f"service / bare FastAPI application: {min(ours) / min(bare):.2f}")
    return end([Bar("service-start", min(ours), 2.0, "s", wanted="at most")])


def seconds_until_healthy(arguments: list[str]) -> float:
    """From the start of a Python process until it answers GET /healthz."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, *arguments, str(port)] if arguments[0] == "-c" else [sys.executable, *arguments],
        env={**os.environ, "SAGEHOUND_HOST": "127.0.0.1", "SAGEHOUND_PORT": str(port)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        while time.perf_counter() - began < PATIENCE_SECONDS:
            if process.poll() is not None:
                raise RuntimeError(f"{arguments[0]} ended with status {process.returncode}")
            try:
                with opener.open(f"http://127.0.0.1:{port}/healthz", timeout=5):
                    return time.perf_counter() - began
            except urllib.error.URLError:
                time.sleep(0.01)
        raise RuntimeError(f"no answer within {PATIENCE_SECONDS:g} s")
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
