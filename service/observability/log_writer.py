"""Writes log lines from a thread of its own, so that an output that takes nothing holds up no request."""

import logging
import os
import select
import threading
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue

from service import request_id

MAX_WAITING = 10_000  # records; further ones are dropped and counted
MAX_AT_ONCE = 500
GATHER_SECONDS = 0.02  # waking the thread for every line would cost more than the line
CLOSE_SECONDS = 2.0


class LogWriter(logging.Handler):
    """Takes records at once and writes them in their order, many with one write.

    `dropped(n)` is called for lines that are lost: too many wait, or the output is broken. Once it takes lines again,
    one of them says how many are missing.
    """

    def __init__(self, descriptor: int, formatter: logging.Formatter, dropped: Callable[[int], None]) -> None:
        super().__init__()
        self.setFormatter(formatter)
        self._descriptor = descriptor
        self._dropped = dropped
        self._counting = threading.Lock()
        self._missing = 0
        self._records: SimpleQueue[logging.LogRecord | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="log-writer", daemon=True)
        self._thread.start()

    def createLock(self) -> None:  # noqa: N802 - logging's name
        """None is needed: the queue is safe."""
        self.lock = None

    def emit(self, record: logging.LogRecord) -> None:
        """Queue the record with the id of the request that it belongs to. Never waits."""
        if self._records.qsize() >= MAX_WAITING:
            self._lose(1)
            return
        try:
            if record.args:
                record.msg, record.args = record.getMessage(), None  # now: what it is made of may change
        except Exception:  # noqa: BLE001 - as in logging: a bad log call breaks nothing else
            self.handleError(record)
            return
        if not hasattr(record, "request_id"):
            record.request_id = request_id.current.get()
        self._records.put(record)

    def close(self) -> None:
        """Write what waits, for two seconds at most."""
        self._records.put(None)
        self._thread.join(CLOSE_SECONDS)
        super().close()

    def _run(self) -> None:
        ended = False
        while not ended:
            records = self._next_ones()
            ended = None in records
            lines = [self.format(record) for record in records if record is not None]
            if self._write(lines):
                self._tell()
            else:
                self._lose(len(lines))

    def _next_ones(self) -> list[logging.LogRecord | None]:
        """What waits, as soon as something does; None is the end."""
        records = [self._records.get()]
        if records[0] is not None:
            time.sleep(GATHER_SECONDS)
        try:
            while len(records) < MAX_AT_ONCE:
                records.append(self._records.get_nowait())
        except Empty:
            pass
        return records

    def _write(self, lines: list[str]) -> bool:
        """Whether the output took it. The descriptor itself, as a stream's lock would be held when the process ends."""
        rest = memoryview("".join(f"{line}\n" for line in lines).encode())
        try:
            while rest:
                select.select([], [self._descriptor], [])  # somebody may have made it non-blocking
                rest = rest[os.write(self._descriptor, rest) :]
        except OSError:
            return False
        return True

    def _lose(self, lines: int) -> None:
        with self._counting:
            self._missing += lines
        self._dropped(lines)

    def _tell(self) -> None:
        """Say how many lines are missing, now that the output takes some again."""
        missing = self._missing
        if not missing:
            return
        words = f"{missing} log lines are missing here: the output took none."
        record = logging.LogRecord("sagehound", logging.WARNING, "", 0, words, None, None)
        record.request_id = None
        if self._write([self.format(record)]):
            with self._counting:
                self._missing -= missing
