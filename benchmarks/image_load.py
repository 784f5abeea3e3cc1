"""Clients that send the same image over and over, each on a connection of its own.

`python -m benchmarks.image_load PORT TARGET CLIENTS SECONDS raw|form`: a process of its own that prints what it
measured as JSON. It costs a tenth of what any of the measured servers costs for a request.
"""

import asyncio
import json
import random
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from typing import Literal, cast

import uvloop

How = Literal["raw", "form"]
IMAGE_BYTES = 80_000
BOUNDARY = "----------------------------frontier"
HEAD_END = b"\r\n\r\n"
LENGTH = b"content-length:"
PATIENCE_SECONDS = 60.0


@dataclass(frozen=True)
class Load:
    """Answers in a second, the times in milliseconds that half and 99 % of them stayed below, and how many failed."""

    per_second: float
    p50_ms: float
    p99_ms: float
    answers: int
    errors: int


def image() -> bytes:
    """A JPEG as far as its first bytes go; the rest is what compressed data looks like."""
    return b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + random.Random(7).randbytes(IMAGE_BYTES - 11)


def request(port: int, target: str, how: How) -> bytes:
    """The whole request, as curl writes it."""
    body, content_type = image(), "image/jpeg"
    if how == "form":
        opening = (
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="dog.jpg"\r\n'
            "Content-Type: image/jpeg\r\n\r\n"
        )
        body = opening.encode() + body + f"\r\n--{BOUNDARY}--\r\n".encode()
        content_type = f"multipart/form-data; boundary={BOUNDARY}"
    head = (
        f"POST {target} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUser-Agent: curl/7.88.1\r\nAccept: */*\r\n"
        f"Content-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def measured(port: int, target: str, clients: int, seconds: float, how: How) -> Load:
    """Run the clients in a process of their own."""
    command = [sys.executable, "-m", "benchmarks.image_load", str(port), target, str(clients), str(seconds), how]
    run = subprocess.run(command, capture_output=True, text=True, check=True, timeout=seconds + PATIENCE_SECONDS)
    return Load(**json.loads(run.stdout))


class Client(asyncio.Protocol):
    """One connection: the request, its answer, the request again, until the time is up."""

    def __init__(self, request: bytes, until: float, times: list[float], errors: list[bytes]) -> None:
        self._request, self._until, self._times, self._errors = request, until, times, errors
        self._answer = b""
        self._began = 0.0
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's own class
        self._send()

    def _send(self) -> None:
        self._began = time.perf_counter()
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """Go on once the answer is whole."""
        self._answer += data
        end = self._answer.find(HEAD_END)
        if end < 0:
            return
        length = int(self._answer[:end].lower().partition(LENGTH)[2].partition(b"\r\n")[0])
        if len(self._answer) < end + len(HEAD_END) + length:
            return
        now = time.perf_counter()
        if self._answer.startswith(b"HTTP/1.1 200 "):
            self._times.append(now - self._began)
        else:
            self._errors.append(self._answer)
        self._answer = b""
        if now < self._until:
            self._send()
        else:
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Over, or broken by the server."""
        if time.perf_counter() < self._until:
            self._errors.append(repr(exc).encode())
        if not self.over.done():
            self.over.set_result(None)


async def load(port: int, target: str, clients: int, seconds: float, how: How) -> Load:
    """Send for some seconds on all connections."""
    loop = asyncio.get_running_loop()
    sent = request(port, target, how)
    times: list[float] = []
    errors: list[bytes] = []
    began = time.perf_counter()
    connected = [
        await loop.create_connection(lambda: Client(sent, began + seconds, times, errors), "127.0.0.1", port)
        for _ in range(clients)
    ]
    await asyncio.gather(*(client.over for _, client in connected))
    took = time.perf_counter() - began
    if not times:
        raise RuntimeError(f"no answer, but: {errors[:1]}")
    times.sort()
    return Load(
        per_second=len(times) / took,
        p50_ms=times[len(times) // 2] * 1000,
        p99_ms=times[int(len(times) * 0.99)] * 1000,
        answers=len(times),
        errors=len(errors),
    )


if __name__ == "__main__":
    _, port_text, target_text, clients_text, seconds_text, how_text = sys.argv
    found = uvloop.run(load(int(port_text), target_text, int(clients_text), float(seconds_text), how_text))  # type: ignore[arg-type]
    print(json.dumps(asdict(found)))
