"""AWS on loopback with scripted answers: what is not scripted is refused, and every request is kept."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ACCOUNT = "123456789012"
STS = (
    '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>'
    f"<Account>{ACCOUNT}</Account><Arn>arn:aws:iam::{ACCOUNT}:user/test</Arn><UserId>test</UserId>"
    "</GetCallerIdentityResult></GetCallerIdentityResponse>"
)


@dataclass(frozen=True)
class Refusal:
    """An error answer."""

    code: str
    message: str
    status: int = 400


Answer = dict[str, Any] | Refusal | Callable[[dict[str, Any]], "dict[str, Any] | Refusal"]


@dataclass
class FakeAws:
    """`answers` by operation; `asked` in order; `objects` by path (`/bucket/key`), `buckets` by name."""

    url: str = ""
    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    objects: dict[str, bytes] = field(default_factory=dict)
    buckets: set[str] = field(default_factory=set)
    headers: list[dict[str, str]] = field(default_factory=list)

    def requests(self, operation: str) -> list[dict[str, Any]]:
        """The members of every request of an operation."""
        return [members for name, members in self.asked if name == operation]

    def answer(self, operation: str, members: dict[str, Any]) -> dict[str, Any] | Refusal:
        """What the script says."""
        self.asked.append((operation, members))
        scripted = self.answers.get(operation, Refusal("UnknownOperationException", f"{operation} is not scripted"))
        return scripted(members) if callable(scripted) else scripted

    def reset(self) -> None:
        """Forget everything."""
        for kept in (self.answers, self.asked, self.objects, self.buckets, self.headers):
            kept.clear()


@contextmanager
def serving() -> Iterator[FakeAws]:
    """The fake on a free port."""
    aws = FakeAws()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self._body()
            target = self.headers.get("X-Amz-Target")
            if target is None:
                aws.asked.append(("GetCallerIdentity", {}))
                self._send(200, STS.encode(), "text/xml")
                return
            answer = aws.answer(target.partition(".")[2], json.loads(body))
            if isinstance(answer, Refusal):
                error = {"__type": answer.code, "message": answer.message}
                self._send(answer.status, json.dumps(error).encode(), "application/x-amz-json-1.1")
            else:
                self._send(200, json.dumps(answer).encode(), "application/x-amz-json-1.1")

        def do_HEAD(self) -> None:
            self._body()
            path = self.path.partition("?")[0]
            aws.asked.append(("HEAD", {"path": path}))
            found = path in aws.objects or path.strip("/") in aws.buckets
            self._send(200 if found else 404, b"", "application/xml")

        def do_PUT(self) -> None:
            body = self._body()
            path = self.path.partition("?")[0]
            aws.asked.append(("PUT", {"path": path}))
            if path.strip("/").count("/"):
                aws.objects[path] = body
            else:
                aws.buckets.add(path.strip("/"))
            self._send(200, b"", "application/xml")

        def log_message(self, *_: object) -> None:
            """Quiet."""

        def _body(self) -> bytes:
            aws.headers.append(dict(self.headers))
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))

        def _send(self, status: int, body: bytes, kind: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        aws.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield aws
        finally:
            server.shutdown()
            thread.join()
