"""The log's thread: lines in their order, and nobody who waits for them."""

import logging
import os
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from service import request_id
from service.observability import log_writer
from service.observability.log_writer import LogWriter
from tests.waiting import wait_for


@dataclass
class Output:
    """A pipe that takes what its reader reads, and what was lost."""

    read_end: int
    writer: LogWriter
    lost: list[int] = field(default_factory=list)


@pytest.fixture
def output() -> Iterator[Output]:
    """A writer into a pipe."""
    read_end, write_end = os.pipe()
    lost: list[int] = []
    writer = LogWriter(write_end, logging.Formatter("%(request_id)s %(message)s"), lost.append)
    yield Output(read_end, writer, lost)
    reader = threading.Thread(target=drained, args=(read_end,), daemon=True)
    reader.start()
    writer.close()
    os.close(write_end)
    reader.join(5)
    os.close(read_end)


def drained(descriptor: int) -> bytes:
    """Everything until the end of the pipe."""
    read = b""
    while chunk := os.read(descriptor, 2**16):
        read += chunk
    return read


def record_of(message: str, *args: object) -> logging.LogRecord:
    """A line to write."""
    return logging.LogRecord("test", logging.INFO, "", 0, message, args, None)


def test_lines_come_in_order_with_the_id_of_their_request(output: Output) -> None:
    token = request_id.current.set("abc")
    for number in range(100):
        output.writer.handle(record_of("line %d", number))
    request_id.current.reset(token)
    expected = b"".join(f"abc line {number}\n".encode() for number in range(100))
    read = b""
    while len(read) < len(expected):
        read += os.read(output.read_end, 2**16)
    assert read == expected
    assert output.lost == []


def test_an_output_that_takes_nothing_holds_nobody_up(output: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_writer, "MAX_WAITING", 200)
    line = "x" * 10_000
    began = time.monotonic()
    for _ in range(1000):
        output.writer.handle(record_of(line))
    assert time.monotonic() - began < 2.0
    assert sum(output.lost) >= 1000 - 200 - log_writer.MAX_AT_ONCE
    found = bytearray()

    def missing_ones() -> int:
        found.extend(os.read(output.read_end, 2**20))
        return sum(int(number) for number in re.findall(rb"(\d+) log lines are missing", found))

    wait_for(lambda: missing_ones() == sum(output.lost), "word of the missing lines")
    assert found.count(line.encode()) == 1000 - sum(output.lost)


def test_a_broken_output_loses_lines_and_nothing_else() -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    lost: list[int] = []
    writer = LogWriter(write_end, logging.Formatter("%(message)s"), lost.append)
    writer.handle(record_of("nobody reads this"))
    wait_for(lambda: lost, "lost line")
    writer.handle(record_of("nor this"))
    writer.close()
    os.close(write_end)
    assert sum(lost) == 2


def test_the_end_writes_what_waits_but_waits_for_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    read_end, write_end = os.pipe()
    writer = LogWriter(write_end, logging.Formatter("%(message)s"), lambda _: None)
    writer.handle(record_of("the last word"))
    writer.close()
    assert os.read(read_end, 100) == b"the last word\n"
    monkeypatch.setattr(log_writer, "CLOSE_SECONDS", 0.1)
    stuck = LogWriter(write_end, logging.Formatter("%(message)s"), lambda _: None)
    stuck.handle(record_of("x" * 2**20))
    began = time.monotonic()
    stuck.close()
    assert time.monotonic() - began < 5.0
    os.close(read_end)  # the write ends with EPIPE
    stuck._thread.join(5)
    os.close(write_end)


def test_a_bad_call_breaks_nothing_else(output: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging, "raiseExceptions", False)
    output.writer.handle(record_of("%d", "no number"))
    output.writer.handle(record_of("good"))
    assert os.read(output.read_end, 100) == b"None good\n"
