"""Clients that ask one server, each over its own connection, one request at a time.

`python -m benchmarks.prediction.load` is a process of its own, so that what it costs is known apart. It reads a `Load`
as JSON on standard input and writes an `Outcome` as JSON on standard output; SIGTERM ends it early and well. Nothing is
between the clients and the socket but asyncio: a request is bytes made beforehand, an answer is read by its
Content-Length.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

BENCHMARKS = Path(__file__).parent.parent
MAX_KEPT_ERRORS = 10

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(frozen=True)
class Load:
    """`clients` ask for `seconds`, or until each of `rounds` times all images was asked; images in turn.

    `expected` is the class index that must come first for each image; without it answers only need to have one.
    """

    url: str
    images: Sequence[str]
    clients: int
    seconds: float = 0.0
    rounds: int = 0
    expected: Sequence[int] = ()
    timeout_seconds: float = 120.0


@dataclass
class Outcome:
    """`latencies` in seconds, of right answers; `found` maps an image's number to the class index answered last.

    `wall_seconds` last until the last answer, `cpu_seconds` are this process's own. `hung` counts requests without an
    answer in time.
    """

    latencies: list[float] = field(default_factory=list)
    found: dict[int, int] = field(default_factory=dict)
    errors: int = 0
    hung: int = 0
    messages: list[str] = field(default_factory=list)
    wall_seconds: float = 0.0
    cpu_seconds: float = 0.0

    @property
    def per_second(self) -> float:
        """Right answers a second."""
        return len(self.latencies) / self.wall_seconds

    def fail(self, message: str) -> None:
        """Count an error; the first few are kept."""
        self.errors += 1
        if len(self.messages) < MAX_KEPT_ERRORS:
            self.messages.append(message)


class BadAnswer(Exception):
    """The server closed the connection early, or its answer cannot be read."""


def run(load: Load) -> Outcome:
    """The outcome of a load, from a process of its own."""
    with start(load) as process:
        return finished(process)


def start(load: Load) -> "subprocess.Popen[bytes]":
    """Start a load; `finished` waits for its end. Whoever stops waiting kills the process."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.prediction.load"],
        cwd=BENCHMARKS.parent,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    if process.stdin is not None:
        process.stdin.write(json.dumps(asdict(load)).encode())
        process.stdin.close()
    return process


def finished(process: "subprocess.Popen[bytes]") -> Outcome:
    """The outcome of a started load. Raises RuntimeError when its process failed."""
    written = process.stdout.read() if process.stdout is not None else b""
    if process.wait() != 0:
        raise RuntimeError(f"the load's process ended with status {process.returncode}")
    members = json.loads(written)
    members["found"] = {int(number): index for number, index in members["found"].items()}
    return Outcome(**members)


async def ask_all(load: Load) -> Outcome:
    """Run the load in this process."""
    return await _Clients(load).run()


class _Clients:
    """All clients of a load; they share what is left to ask."""

    def __init__(self, load: Load) -> None:
        url = urlsplit(load.url)
        target = f"{url.path}?{url.query}" if url.query else url.path
        self._load = load
        self._address = (url.hostname or "", url.port or 80)
        self._requests = [_request(target, url.netloc, path) for path in load.images]
        self._turns = iter(range(load.rounds * len(load.images)) if load.rounds else range(2**62))
        self._ends = float("inf")
        self.outcome = Outcome()

    async def run(self) -> Outcome:
        """Ask until nothing is left or the time is over; the answers under way are waited for."""
        began = time.perf_counter()
        if self._load.seconds:
            self._ends = began + self._load.seconds
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self._end)
        async with asyncio.TaskGroup() as group:
            for _ in range(self._load.clients):
                group.create_task(self._client())
        self.outcome.wall_seconds = time.perf_counter() - began
        self.outcome.cpu_seconds = time.process_time()
        return self.outcome

    def _end(self) -> None:
        self._ends = 0.0

    async def _client(self) -> None:
        connection: Connection | None = None
        while time.perf_counter() < self._ends and (turn := next(self._turns, None)) is not None:
            number = turn % len(self._requests)
            asked = time.perf_counter()
            try:
                async with asyncio.timeout(self._load.timeout_seconds):
                    connection = connection or await asyncio.open_connection(*self._address)
                    status, body, keep = await _ask(connection, self._requests[number])
            except TimeoutError:
                self.outcome.hung += 1
                self.outcome.fail(f"image {number}: no answer within {self._load.timeout_seconds:g} s")
                _close(connection)
                connection = None
            except (OSError, BadAnswer, asyncio.IncompleteReadError) as error:
                self.outcome.fail(f"image {number}: {type(error).__name__}: {error}")
                _close(connection)
                connection = None
                await asyncio.sleep(0.01)  # a server that refuses connections is not asked in a frenzy
            else:
                self._judge(number, status, body, time.perf_counter() - asked)
                if not keep:
                    _close(connection)
                    connection = None
        _close(connection)

    def _judge(self, number: int, status: int, body: bytes, seconds: float) -> None:
        if status != 200:
            self.outcome.fail(f"image {number}: status {status}: {body[:300].decode(errors='replace')}")
            return
        try:
            first = int(json.loads(body)["predictions"][0]["class_index"])
        except (ValueError, LookupError, TypeError):
            self.outcome.fail(f"image {number}: the answer names no class: {body[:300].decode(errors='replace')}")
            return
        self.outcome.found[number] = first
        if self._load.expected and self._load.expected[number] != first:
            self.outcome.fail(f"image {number}: class {first} came first, not {self._load.expected[number]}")
            return
        self.outcome.latencies.append(seconds)


async def _ask(connection: Connection, request: bytes) -> tuple[int, bytes, bool]:
    """Status, body and whether the connection may be used again."""
    reader, writer = connection
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    status_line, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    if "content-length" not in headers:
        raise BadAnswer(f"an answer without Content-Length: {head!r}")
    body = await reader.readexactly(int(headers["content-length"]))
    return int(status_line.split()[1]), body, headers.get("connection", "").lower() != "close"


def _request(target: str, host: str, path: str) -> bytes:
    body = Path(path).read_bytes()
    head = f"POST {target} HTTP/1.1\r\nHost: {host}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def _close(connection: Connection | None) -> None:
    if connection is not None:
        connection[1].close()


def main() -> None:
    """Read, ask, write."""
    members = json.load(sys.stdin)
    outcome = asyncio.run(ask_all(Load(**members)))
    json.dump(asdict(outcome), sys.stdout)
    sys.stdout.flush()
    os._exit(0)  # connections and timers need no tidying


if __name__ == "__main__":
    main()
