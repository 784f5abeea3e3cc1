"""AWS on loopback with scripted answers: what is not scripted is refused, and every request is kept."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

from tests.unit.service.jobs import fake_s3

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
    s3_refusal: Refusal | None = None  # of every GET

    def requests(self, operation: str) -> list[dict[str, Any]]:
        """The members of every request of an operation."""
        return [members for name, members in self.asked if name == operation]

    def answer(self, operation: str, members: dict[str, Any]) -> dict[str, Any] | Refusal:
        """What the script says."""
        self.asked.append((operation, members))
        scripted = self.answers.get(operation, Refusal("UnknownOperationException", f"{operation} is not scripted"))
        return scripted(members) if callable(scripted) else scripted

    def put(self, path: str, body: bytes) -> None:
        """An object, or a bucket."""
        self.asked.append(("PUT", {"path": path}))
        if path.strip("/").count("/"):
            self.objects[path] = body
        else:
            self.buckets.add(path.strip("/"))

    def reset(self) -> None:
        """Forget everything."""
        self.s3_refusal = None
        for kept in (self.answers, self.asked, self.objects, self.buckets, self.headers):
            kept.clear()


def answered(aws: FakeAws, target: str | None, body: bytes) -> tuple[int, bytes, str]:
    """Status, body and content type of an operation's answer; who does not say which asks STS who he is."""
    if target is None:
        aws.asked.append(("GetCallerIdentity", {}))
        return 200, STS.encode(), "text/xml"
    answer = aws.answer(target.partition(".")[2], json.loads(body))
    if isinstance(answer, Refusal):
        error = {"__type": answer.code, "message": answer.message}
        return answer.status, json.dumps(error).encode(), "application/x-amz-json-1.1"
    return 200, json.dumps(answer).encode(), "application/x-amz-json-1.1"


@contextmanager
def serving() -> Iterator[FakeAws]:
    """The fake on a free port."""
    aws = FakeAws()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self._send(*answered(aws, self.headers.get("X-Amz-Target"), self._body()))

        def do_HEAD(self) -> None:
            self._body()
            path = self.path.partition("?")[0]
            aws.asked.append(("HEAD", {"path": path}))
            path = unquote(path)
            found = path in aws.objects or path.strip("/") in aws.buckets
            self._send(200 if found else 404, b"", "application/xml", etag=fake_s3.etag_of(aws.objects.get(path, b"")))

        def do_GET(self) -> None:
            self._body()
            wanted = self.headers.get("Range")
            aws.asked.append(("GET", {"path": unquote(self.path), "range": wanted}))
            refused = aws.s3_refusal
            if refused is not None:
                self._send(*fake_s3.error(refused.code, refused.message, refused.status))
            else:
                self._send(*fake_s3.read(aws.objects, self.path, wanted))

        def do_PUT(self) -> None:
            body = self._body()
            path = self.path.partition("?")[0]
            aws.put(path, body)
            self._send(200, b"", "application/xml")

        def log_message(self, *_: object) -> None:
            """Quiet."""

        def _body(self) -> bytes:
            aws.headers.append(dict(self.headers))
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))

        def _send(self, status: int, body: bytes, kind: str, etag: str = "") -> None:
            self.send_response(status)
            if etag:
                self.send_header("ETag", etag)
                self.send_header("Last-Modified", "Mon, 23 Nov 2026 07:00:00 GMT")
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
