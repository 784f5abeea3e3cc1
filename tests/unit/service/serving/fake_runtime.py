"""SageMaker Runtime on loopback for tests: answers what it is told to, and remembers what it was asked."""

import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MODEL_ANSWER: dict[str, Any] = {
    "predictions": [
        {
            "class_index": index,
            "class_name": f"{index + 1:03}.Breed_{index}",
            "breed": f"Breed {index}",
            "probability": p,
        }
        for index, p in enumerate((0.7, 0.2, 0.1))
    ],
    "model": {"architecture": "resnet18", "version": "dogs-1"},
}


@dataclass(frozen=True)
class Asked:
    """One request as it came over the wire."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Answer:
    """What the fake says. `drop` closes the connection without a word; `wait` delays until it is set."""

    status: int = 200
    body: bytes = json.dumps(MODEL_ANSWER).encode()
    headers: dict[str, str] = field(
        default_factory=lambda: {
            "Content-Type": "application/json",
            "x-Amzn-Invoked-Production-Variant": "AllTraffic",
        }
    )
    drop: bool = False
    wait: threading.Event | None = None


def error(status: int, code: str, **members: Any) -> Answer:
    """An error as SageMaker Runtime writes it."""
    headers = {"Content-Type": "application/json", "x-amzn-ErrorType": code}
    return Answer(status, json.dumps(members).encode(), headers)


class FakeRuntime:
    """`answers` are given in their order, the last one from then on."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.asked: list[Asked] = []
        self.answers: list[Answer] = [Answer()]

    def next_answer(self) -> Answer:
        """The answer of the next request."""
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):  # a client that gave up is what some tests are about
            super().handle_error(request, client_address)


@contextmanager
def serving() -> Iterator[FakeRuntime]:
    """A fake on a free port of loopback."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            fake.asked.append(Asked(self.path, dict(self.headers.items()), body))
            answer = fake.next_answer()
            if answer.wait is not None:
                answer.wait.wait(30)
            if answer.drop:
                self.close_connection = True
                return
            self.send_response_only(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = _Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    fake = FakeRuntime(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
