"""An HTTP server on loopback that serves one file, and misbehaves as it is told: one fault for each request."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Origin:
    """`faults` are used up in order: "cut 1000" (bytes, then the connection ends), "status 503", "ignore range",
    "wrong range", "replace two" (another file with the ETag "two"), "none".
    """

    content: bytes
    etag: str | None = '"one"'
    last_modified: str | None = None
    says_length: bool = True
    faults: list[str] = field(default_factory=list)
    requests: list[dict[str, str]] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    url: str = ""


@contextmanager
def serving(origin: Origin) -> Iterator[Origin]:
    """The origin at `origin.url` until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            _answer(origin, self)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Nothing on the terminal."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    origin.url = f"http://127.0.0.1:{server.server_address[1]}/dogImages.zip"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield origin
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _answer(origin: Origin, handler: BaseHTTPRequestHandler) -> None:
    origin.requests.append({name.lower(): value for name, value in handler.headers.items()})
    word, _, value = (origin.faults.pop(0) if origin.faults else "none").partition(" ")
    if word == "replace":
        origin.etag, origin.content = f'"{value}"', bytes(reversed(origin.content))
    if word == "status":
        _head(origin, handler, int(value), {"Content-Length": "0"})
        return
    start, status = _start(origin, origin.requests[-1], ignore_range=word == "ignore"), 200
    headers = {"ETag": origin.etag, "Last-Modified": origin.last_modified}
    if start is not None:
        if start >= len(origin.content):
            _head(origin, handler, 416, {"Content-Length": "0"})
            return
        begin = start + 7 if word == "wrong" else start
        status, headers["Content-Range"] = 206, f"bytes {begin}-{len(origin.content) - 1}/{len(origin.content)}"
    body = origin.content[start or 0 :]
    if origin.says_length:
        headers["Content-Length"] = str(len(body))
    _head(origin, handler, status, {name: value for name, value in headers.items() if value})
    handler.wfile.write(body[: int(value)] if word == "cut" else body)
    handler.close_connection = True


def _head(origin: Origin, handler: BaseHTTPRequestHandler, status: int, headers: dict[str, str]) -> None:
    origin.statuses.append(status)
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.end_headers()


def _start(origin: Origin, headers: dict[str, str], *, ignore_range: bool) -> int | None:
    """Where the asked range starts; None for the whole file, also when If-Range names another version."""
    asked, condition = headers.get("range"), headers.get("if-range")
    if ignore_range or asked is None or (condition and condition not in {origin.etag, origin.last_modified}):
        return None
    return int(asked.removeprefix("bytes=").removesuffix("-"))
