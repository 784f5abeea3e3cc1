"""A worker's end of its socket to the front: blocking, one frame after the other."""

import json
import select
import socket
from collections.abc import Mapping
from typing import Any

from model_server.frames import PREFIX, encode_header


class FrontGone(Exception):
    """The front has closed its end: there will be no further request."""


class WorkerSocket:
    """Reads requests and writes answers. What is written waits for the front to read it."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def receive(self) -> tuple[Mapping[str, Any], list[bytes]]:
        """The next frame's header, and the bodies of its requests. Raises FrontGone."""
        header_bytes, _ = PREFIX.unpack(self._exactly(PREFIX.size))
        header = json.loads(self._exactly(header_bytes))
        return header, [self._exactly(request["bytes"]) for request in header.get("requests", ())]

    def send(self, header: Mapping[str, Any], body: bytes = b"") -> None:
        """Write a frame. Raises FrontGone."""
        try:
            if len(body) <= 65536:
                self._connection.sendall(encode_header(header, len(body)) + body)
            else:
                self._connection.sendall(encode_header(header, len(body)))
                self._connection.sendall(body)
        except OSError as error:
            raise FrontGone from error

    def cancelled(self, request_id: int) -> bool:
        """Whether the front has said meanwhile that nobody reads the rest of this answer. Raises FrontGone."""
        found = False
        while select.select([self._connection], [], [], 0)[0]:
            header, _ = self.receive()
            found = found or (header["kind"], header["id"]) == ("cancel", request_id)
        return found

    def _exactly(self, count: int) -> bytes:
        parts = []
        while count:
            try:
                part = self._connection.recv(count, socket.MSG_WAITALL)
            except OSError as error:
                raise FrontGone from error
            if not part:
                raise FrontGone
            parts.append(part)
            count -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)
