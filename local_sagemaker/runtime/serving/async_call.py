"""One request to a model server with payloads of any size: from a file or bytes into a file, in pieces."""

import http.client
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from model_server.messages import REFUSAL_HEADER, TIMEOUT_HEADER

BLOCK_BYTES = 1024 * 1024
# The model server ends an invocation by itself; this is for one that cannot even do that.
MARGIN_SECONDS = 5.0


class NotReached(Exception):
    """No model server listens there: it has not had the request."""


class Ended(Exception):
    """The model server went away before its answer was complete."""


class Overdue(Exception):
    """The model server does not even say that the time is over."""


@dataclass(frozen=True)
class FileAnswer:
    """An answer whose body is in a file; `refusal` as in model_server/messages.py."""

    status: int
    content_type: str
    refusal: str | None


def post(url: str, headers: Mapping[str, str], payload: bytes | Path, seconds: float, into: Path) -> FileAnswer:
    """Have the model server answer within `seconds`. Raises NotReached, Ended and Overdue."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(
        parts.hostname or "", parts.port, timeout=seconds + MARGIN_SECONDS, blocksize=BLOCK_BYTES
    )
    try:
        try:
            connection.connect()
        except OSError as error:
            raise NotReached(str(error)) from error
        length = len(payload) if isinstance(payload, bytes) else payload.stat().st_size
        sent = {**headers, "Content-Length": str(length), TIMEOUT_HEADER: str(seconds)}
        try:
            return _exchange(connection, parts.path, sent, payload, into)
        except TimeoutError as error:
            raise Overdue from error
        except (ConnectionError, http.client.HTTPException) as error:
            raise Ended(type(error).__name__) from error
    finally:
        connection.close()


def _exchange(
    connection: http.client.HTTPConnection, path: str, headers: Mapping[str, str], payload: bytes | Path, into: Path
) -> FileAnswer:
    connection.putrequest("POST", path, skip_accept_encoding=True)
    for name, value in headers.items():
        connection.putheader(name, value)
    if isinstance(payload, bytes):
        connection.endheaders(payload)
    else:
        connection.endheaders()
        with payload.open("rb") as stream:
            connection.send(stream)
    response = connection.getresponse()
    with into.open("wb") as file:
        shutil.copyfileobj(response, file, BLOCK_BYTES)
    if response.length:
        raise http.client.IncompleteRead(b"", response.length)
    content_type = response.getheader("Content-Type") or "application/octet-stream"
    return FileAnswer(response.status, content_type, response.getheader(REFUSAL_HEADER))
