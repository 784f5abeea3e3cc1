"""How a line of the log looks: JSON for programs, text for people. Neither can be made to hold a line of its own."""

import json
import logging
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from service.observability import access_log
from service.observability.exchange import Exchange

CONTINUED = "\n    "  # before every further line of a message or a traceback


class JsonLines(logging.Formatter):
    """`{"time": "2026-11-23T11:50:00.123Z", "level": "INFO", "logger": "sagehound.access", ...}`."""

    def format(self, record: logging.LogRecord) -> str:
        """One line of ASCII."""
        said: dict[str, Any] = {"time": _time(record), "level": record.levelname, "logger": record.name}
        exchange = exchange_of(record)
        if exchange is not None:
            return json.dumps({**said, **access_log.members(exchange)})
        said["message"] = record.getMessage()
        request_id = getattr(record, "request_id", None)
        if request_id is not None:
            said["request_id"] = request_id
        if record.exc_info:
            said["traceback"] = self.formatException(record.exc_info)
        return json.dumps(said)


class TextLines(logging.Formatter):
    """`2026-11-23T11:50:00.123Z INFO 200 POST /predict 41.2 ms [5d0c...]`."""

    def format(self, record: logging.LogRecord) -> str:
        """One line; of a traceback, the further lines are indented."""
        exchange = exchange_of(record)
        message = record.getMessage() if exchange is None else access_log.text(exchange)
        if record.exc_info:
            message = f"{message}\n{self.formatException(record.exc_info)}"
        request_id = getattr(record, "request_id", None)
        named = f" [{request_id}]" if request_id is not None else ""
        first, *further = message.splitlines() or [""]
        return CONTINUED.join(
            [f"{_time(record)} {record.levelname} {_printable(first)}{named}", *map(_printable, further)]
        )


def exchange_of(record: logging.LogRecord) -> Exchange | None:
    """The request that the record is about, where it is a line of the access log."""
    exchange = getattr(record, "exchange", None)
    return exchange if isinstance(exchange, Exchange) else None


def _time(record: logging.LogRecord) -> str:
    second = int(record.created)
    return f"{_second(second)}.{int((record.created - second) * 1000):03}Z"


@lru_cache(maxsize=2)  # many lines are of one second
def _second(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _printable(line: str) -> str:
    """Without what moves a terminal's cursor."""
    return line if line.isprintable() else "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in line)
