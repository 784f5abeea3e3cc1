"""The clients of the benchmarks, against a server that is told what to answer."""

import asyncio
import contextlib
import json
import os
import signal
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from benchmarks.prediction import load
from benchmarks.prediction.load import Load, Outcome

Handler = Callable[[bytes], Awaitable[bytes | None]]


def answer(class_index: int, status: str = "200 OK", extra: str = "") -> bytes:
    """An answer whose first prediction is of that class."""
    body = json.dumps({"predictions": [{"class_index": class_index}, {"class_index": 99}]}).encode()
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{extra}\r\n".encode() + body


def asked(handler: Handler, images: list[Path], **settings: object) -> Outcome:
    """The outcome of a load on a server that answers each body by `handler`; None closes the connection."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, asyncio.CancelledError), contextlib.closing(writer):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length: ")[2].split()[0])
                said = await handler(await reader.readexactly(length))
                if said is None:
                    break
                writer.write(said)

    async def run() -> Outcome:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        url = f"http://127.0.0.1:{port}/predict?top_k=2"
        outcome = await load.ask_all(Load(url, [str(path) for path in images], clients=3, **settings))  # type: ignore[arg-type]
        server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others)
        return outcome

    return asyncio.run(run())


@pytest.fixture
def images(tmp_path: Path) -> list[Path]:
    """Files whose content is their number."""
    paths = [tmp_path / f"{number}.jpg" for number in range(5)]
    for number, path in enumerate(paths):
        path.write_bytes(str(number).encode())
    return paths


async def by_number(body: bytes) -> bytes:
    """The class is the image's number."""
    return answer(int(body))


def test_each_image_is_asked_as_often_as_wanted(images: list[Path]) -> None:
    outcome = asked(by_number, images, rounds=4, expected=[0, 1, 2, 3, 4])
    assert len(outcome.latencies) == 20
    assert outcome.found == {0: 0, 1: 1, 2: 2, 3: 3, 4: 4}
    assert (outcome.errors, outcome.hung, outcome.messages) == (0, 0, [])
    assert outcome.per_second == 20 / outcome.wall_seconds


def test_connections_are_kept_until_the_server_closes_them(images: list[Path]) -> None:
    async def closing(body: bytes) -> bytes:
        return answer(int(body), extra="Connection: close\r\n")

    assert asked(closing, images, rounds=2, expected=[0, 1, 2, 3, 4]).errors == 0


def test_a_wrong_class_is_an_error(images: list[Path]) -> None:
    outcome = asked(by_number, images, rounds=1, expected=[0, 1, 4, 3, 4])
    assert (outcome.errors, len(outcome.latencies)) == (1, 4)
    assert outcome.messages == ["image 2: class 2 came first, not 4"]


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (answer(0, "503 Service Unavailable"), "status 503"),
        (b'HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n{"predictions":[', "names no class"),
        (b"HTTP/1.1 200 OK\r\n\r\n", "without Content-Length"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\nConnection: close\r\n\r\nshort", "IncompleteReadError"),
        (None, "IncompleteReadError"),
    ],
)
def test_what_is_no_right_answer_is_an_error(images: list[Path], said: bytes | None, message: str) -> None:
    times = iter(range(2**30))

    async def once_bad(body: bytes) -> bytes | None:
        if next(times) != 1:
            return answer(int(body))
        # What breaks off in the middle is only seen when the connection ends.
        return said if said is None or b"short" not in said else None

    outcome = asked(once_bad, images, rounds=2)
    assert (outcome.errors, outcome.hung, len(outcome.latencies)) == (1, 0, 9)
    assert message in outcome.messages[0]


def test_a_silent_server_is_not_waited_for_for_ever(images: list[Path]) -> None:
    async def silent_once(body: bytes) -> bytes:
        if body == b"3":
            await asyncio.sleep(3600)
        return answer(int(body))

    outcome = asked(silent_once, images, rounds=1, timeout_seconds=0.2)
    assert (outcome.hung, outcome.errors, len(outcome.latencies)) == (1, 1, 4)


def test_sigterm_ends_a_load_well(images: list[Path]) -> None:
    times = iter(range(2**30))

    async def ending(body: bytes) -> bytes:
        if next(times) == 20:
            os.kill(os.getpid(), signal.SIGTERM)
        return answer(int(body))

    outcome = asked(ending, images, seconds=600)
    assert outcome.errors == 0
    assert len(outcome.latencies) >= 20


def test_a_load_is_a_process_of_its_own(images: list[Path]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    outcome = load.run(Load(f"http://127.0.0.1:{port}/", [str(path) for path in images], clients=2, rounds=1))
    assert (outcome.errors, outcome.latencies, outcome.found) == (5, [], {})
    assert "ConnectionRefusedError" in outcome.messages[0]
    assert outcome.cpu_seconds > 0
