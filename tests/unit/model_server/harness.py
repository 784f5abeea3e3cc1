"""A model server as a process of its own, over a model of the test's, and requests to it."""

import http.client
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.waiting import wait_for

REPOSITORY = Path(__file__).parents[3]
# Its body says what it does: "wait PATH" until that file is there, "die PATH" as often as it is asked, ...
MODEL = """
import os, signal, sys, time
from pathlib import Path
class Teapot(Exception):
    status_code = 418
def model_fn(model_dir): return model_dir
def transform_fn(model, body, content_type, accept):
    command, _, argument = bytes(body[:1000]).decode("latin-1").partition(" ")
    if command == "wait": wait_for(argument)
    if command == "sleep": time.sleep(float(argument))
    if command == "mark": mark(argument)
    if command == "die": mark(argument); os.kill(os.getpid(), signal.SIGKILL)
    if command == "once":
        if not Path(argument).exists(): mark(argument); os._exit(7)
    if command == "teapot": raise Teapot("short and stout")
    if command == "exit": sys.exit("enough")
    if command == "large": return b"x" * int(argument), "text/plain"
    if command == "parts": return parts(argument), "text/plain"
    if command == "environment": return repr(dict(os.environ)), "text/plain"
    return str(os.getpid()), "text/plain"
def mark(path):
    with open(path, "a") as file: file.write("x")
def wait_for(path):
    while not Path(path).exists(): time.sleep(0.005)
def parts(path):
    yield b"first "
    wait_for(path)
    if path.endswith("raise"): raise ValueError("in the middle")
    yield "second"
"""


@dataclass(frozen=True)
class Reply:
    """An answer; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class ModelServer:
    """A started model server; `log` is its output."""

    def __init__(self, folder: Path, code: str, arguments: tuple[str, ...], variables: Mapping[str, str]) -> None:
        (folder / "code").mkdir(parents=True, exist_ok=True)
        (folder / "code" / "inference.py").write_text(code)
        self._ready_file = folder / "ready.json"
        self._log = folder / "log"
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "2", **variables}
        with self._log.open("ab") as log:
            options = ["--model-dir", str(folder), "--port", "0", "--ready-file", str(self._ready_file)]
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "model_server", *options, *arguments],
                cwd=folder,
                env=environment,
                stdout=log,
                stderr=log,
            )
        self._clients = ThreadPoolExecutor(64)

    @property
    def log(self) -> str:
        """What it has said."""
        return self._log.read_text()

    @property
    def port(self) -> int:
        """Where it listens, as soon as it is ready."""
        wait_for(lambda: self._ready_file.exists() or self.process.poll() is not None, "ready model server")
        return int(json.loads(self._ready_file.read_bytes())["port"])

    def ask(self, body: bytes, **headers: str) -> Reply:
        """POST /invocations."""
        return self.request("POST", "/invocations", body, headers)

    def asking(self, body: bytes, **headers: str) -> Future[Reply]:
        """POST /invocations, whose answer is waited for by whoever wants it."""
        return self._clients.submit(self.ask, body, **headers)

    @contextmanager
    def begin(self, body: bytes) -> Iterator[http.client.HTTPResponse]:
        """POST /invocations; the answer, to be read by whoever wants it, as long as the context lasts."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("POST", "/invocations", body)
            yield connection.getresponse()
        finally:
            connection.close()

    def request(self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Reply:
        """Any request."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            sent = {name.replace("_", "-"): value for name, value in (headers or {}).items()}
            connection.request(method, path, body, sent)
            response = connection.getresponse()
            found = {name.lower(): value for name, value in response.getheaders()}
            return Reply(response.status, found, response.read())
        finally:
            connection.close()

    def worker_pids(self) -> list[int]:
        """The living workers' process ids."""
        path = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in path.read_text().split()]

    def access_log(self) -> list[dict[str, Any]]:
        """Its lines about invocations."""
        return [json.loads(line) for line in self.log.splitlines() if line.startswith("{")]

    def stop(self) -> int:
        """SIGTERM; the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)

    def close(self) -> None:
        """Let nothing behind."""
        self.process.kill()
        self.process.wait()
        self._clients.shutdown()


@contextmanager
def serving(folder: Path, *arguments: str, code: str = MODEL, **variables: str) -> Iterator[ModelServer]:
    """A model server that is ended at the end."""
    server = ModelServer(folder, code, arguments, variables)
    try:
        yield server
    finally:
        server.close()
