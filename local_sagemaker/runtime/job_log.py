"""The shim's log as events: `<epoch ms>\\t<line>\\n` a line, addressed by byte offset.

An offset always points at the beginning of a line; a line still being written is not there yet.
"""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

CHUNK_BYTES = 1024 * 1024


@dataclass(frozen=True)
class LogEvent:
    """One line. `end` is the offset behind it, `start` the one before it."""

    timestamp_ms: int
    message: str
    start: int
    end: int


def append(log: Path, lines: Iterable[str]) -> None:
    """Add lines before the shim has taken over the log."""
    with log.open("ab") as file:
        for line in lines:
            file.write(f"{int(time.time() * 1000)}\t{line}\n".encode())


def size_bytes(log: Path) -> int:
    """The log's size; 0 when there is none yet."""
    try:
        return log.stat().st_size
    except FileNotFoundError:
        return 0


def lines_from(log: Path, offset: int, max_bytes: int) -> bytes:
    """Complete lines from `offset` on, as they are: at most `max_bytes`, which must be more than a line may have."""
    try:
        with log.open("rb") as file:
            file.seek(offset)
            chunk = file.read(max_bytes)
    except FileNotFoundError:
        return b""
    return chunk[: chunk.rfind(b"\n") + 1]


def events_from(log: Path, offset: int) -> Iterator[LogEvent]:
    """Complete lines from `offset` on."""
    try:
        file = log.open("rb")
    except FileNotFoundError:
        return
    with file:
        file.seek(offset)
        for line in file:
            if not line.endswith(b"\n"):
                return
            yield _event(line, offset)
            offset += len(line)


def events_before(log: Path, offset: int) -> Iterator[LogEvent]:
    """Complete lines that end at or before `offset`, newest first."""
    try:
        file = log.open("rb")
    except FileNotFoundError:
        return
    with file:
        position = end = min(offset, size_bytes(log))
        buffer = b""
        while position > 0 or buffer:
            step = min(CHUNK_BYTES, position)
            position -= step
            file.seek(position)
            buffer = file.read(step) + buffer
            # What stands before the first newline began in an earlier chunk.
            head = buffer.find(b"\n") + 1 if position > 0 else 0
            if position > 0 and head == 0:
                continue
            *lines, rest = buffer[head:].split(b"\n")
            end -= len(rest)  # still being written, or nothing
            for line in reversed(lines):
                start = end - len(line) - 1
                yield _event(line + b"\n", start)
                end = start
            buffer = buffer[:head]


def offset_at(log: Path, timestamp_ms: int) -> int:
    """The offset of the first complete line that is not older, the log's size when all are.

    Found by halving, so a log of a million lines is not read; lines must not go back in time.
    """
    try:
        file = log.open("rb")
    except FileNotFoundError:
        return 0
    with file:
        older, newer = 0, size_bytes(log)  # the line wanted begins in [older, newer]
        while older < newer:
            middle = (older + newer) // 2
            file.seek(middle)
            start = middle + len(file.readline()) if middle > 0 else 0  # a line that begins behind the middle
            line = file.readline()
            if start >= newer or not line.endswith(b"\n"):
                newer = middle
            elif _event(line, start).timestamp_ms < timestamp_ms:
                older = start + len(line)
            else:
                newer = middle
        file.seek(older)
        while (line := file.readline()).endswith(b"\n") and _event(line, older).timestamp_ms < timestamp_ms:
            older += len(line)
        return older


def _event(line: bytes, start: int) -> LogEvent:
    stamp, _, message = line.rstrip(b"\n").partition(b"\t")
    timestamp = int(stamp) if stamp.isdigit() else 0
    return LogEvent(timestamp, message.decode("utf-8", "replace").rstrip("\r"), start, start + len(line))
