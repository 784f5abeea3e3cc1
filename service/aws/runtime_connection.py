"""One HTTP/1.1 connection that sends a POST and reads its answer, then the next: a protocol without streams and tasks.

General HTTP clients spend several times its CPU on what InvokeEndpoint has no use for.
"""

import asyncio
from typing import cast

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from service.aws.runtime_message import Answer, Headers

MAX_HEAD_BYTES = 65_536
MAX_ANSWER_BYTES = 32 * 2**20  # SageMaker's answers have at most 25 MB
WHOLE_BODY_BYTES = 2**20  # up to here a body is written at once
PIECE_BYTES = 2**18  # so much of a larger one, then others get their turn


class ConnectionFailed(Exception):
    """There is no connection, or no answer on it. `lasting`: another attempt would meet the same."""

    def __init__(self, message: str, *, lasting: bool = False) -> None:
        super().__init__(message)
        self.lasting = lasting


class Connection(asyncio.Protocol):
    """Requests one after the other. Whatever goes wrong, or is cancelled, closes it."""

    def __init__(self) -> None:
        self.idle_since = 0.0  # the pool's
        self._loop = asyncio.get_running_loop()
        self._parser = HttpResponseParser(self)
        self._over: asyncio.Future[None] | None = None  # set once the exchange under way has an answer or none comes
        self._resumed: asyncio.Future[None] | None = None  # while the transport wants no more to write
        self._failure: ConnectionFailed | None = None
        self._received_bytes = 0
        self._status = 0
        self._headers: dict[bytes, bytes] = {}
        self._body: list[bytes] = []
        self._answer: Answer | None = None
        self._is_last = False

    @property
    def is_open(self) -> bool:
        """Whether another request can be sent."""
        return not self._transport.is_closing()

    async def exchange(self, head: bytes, body: bytes) -> Answer:
        """Send a request and read its answer. The connection stays open where both sides let it.

        Raises ConnectionFailed where it broke, or what came is no HTTP or larger than MAX_ANSWER_BYTES.
        """
        if self._over is not None:
            raise RuntimeError("the connection has a request under way")
        if not self.is_open:
            raise ConnectionFailed("the server has closed the connection")
        over = self._begin()
        stays_open = False
        try:
            if len(body) <= WHOLE_BODY_BYTES:
                self._transport.writelines((head, body))
            else:
                await self._write_in_pieces(head, body, over)
            # An answer may come before the body is out: the next request would be taken for the rest of it.
            sent_whole = not over.done()
            await over
            answer = self._answer
            if answer is None:
                raise self._failure or RuntimeError("an exchange is over without an answer and without a failure")
            stays_open = sent_whole and not self._is_last and self._transport.get_write_buffer_size() == 0
        finally:
            self._over = self._answer = None
            self._body = []  # an idle connection holds no answer
            if not stays_open:
                self.abort()
        return answer

    def close(self) -> None:
        """Close it, with TLS as TLS does."""
        self._transport.close()

    def abort(self) -> None:
        """Close it at once; what is not sent yet never is."""
        self._transport.abort()

    def _begin(self) -> "asyncio.Future[None]":
        self._answer = None
        self._received_bytes = self._status = 0
        self._over = self._loop.create_future()
        return self._over

    async def _write_in_pieces(self, head: bytes, body: bytes, over: "asyncio.Future[None]") -> None:
        self._transport.write(head)
        rest = memoryview(body)
        while rest and not over.done():
            self._transport.write(rest[:PIECE_BYTES])
            rest = rest[PIECE_BYTES:]
            if self._resumed is not None:
                await self._resumed

    def _end(self, failure: ConnectionFailed | None = None) -> None:
        """Nothing more is expected: there is an answer, or this failure in place of one."""
        self._failure = failure
        if self._over is not None and not self._over.done():
            self._over.set_result(None)
        if self._resumed is not None and not self._resumed.done():
            self._resumed.set_result(None)

    # What the transport calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way to the server."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop has classes of its own

    def pause_writing(self) -> None:
        """Enough is waiting to be sent."""
        self._resumed = self._loop.create_future()

    def resume_writing(self) -> None:
        """More can be written."""
        if self._resumed is not None and not self._resumed.done():
            self._resumed.set_result(None)
        self._resumed = None

    def data_received(self, data: bytes) -> None:
        """Read on in the answer. What comes without a request is an answer to nothing: no request may get it."""
        if self._over is None or self._over.done():
            self.abort()
            return
        self._received_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade) as error:
            self._is_last = True
            if self._answer is None:
                reason = str(error) if isinstance(error, HttpParserError) else "it changes to another protocol"
                self._end(ConnectionFailed(f"the server does not speak HTTP/1.1: {reason}", lasting=True))
                return
        if self._answer is not None:
            self._end()
        elif self._received_bytes > (MAX_ANSWER_BYTES if self._status >= 200 else MAX_HEAD_BYTES):
            part = f"more than {MAX_ANSWER_BYTES:,} bytes" if self._status >= 200 else "headers without an end"
            self._end(ConnectionFailed(f"the server's answer has {part}", lasting=True))

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell who waits for the answer, which may end in this way."""
        if self._over is None or self._over.done():
            return
        if exc is None and self._status >= 200 and self._ends_with_connection():
            self._complete()
            self._end()
        else:
            where = "in the middle of" if self._received_bytes else "before"
            why = f": {exc}" if exc else ""
            self._end(ConnectionFailed(f"the connection was lost {where} the answer{why}"))

    # What the parser calls.

    def on_message_begin(self) -> None:
        """Begin an answer: the one that is awaited, one before it (1xx), or one that nobody asked for."""
        if self._answer is not None:
            self._is_last = True
        self._status = 0
        self._headers = {}
        self._body = []

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header; what follows a body as a trailer is none."""
        if not self._status:
            name = name.lower()
            known = self._headers.get(name)
            self._headers[name] = value if known is None else b"%b, %b" % (known, value)

    def on_headers_complete(self) -> None:
        """Know the status."""
        self._status = self._parser.get_status_code()

    def on_body(self, data: bytes) -> None:
        """Keep a part of the body."""
        self._body.append(data)

    def on_message_complete(self) -> None:
        """Have the answer, unless it only announces one."""
        if self._status >= 200 and self._answer is None:
            self._is_last = not self._parser.should_keep_alive()
            self._complete()

    def _complete(self) -> None:
        body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        self._answer = Answer(self._status, Headers(self._headers), body)

    def _ends_with_connection(self) -> bool:
        coding = self._headers.get(b"transfer-encoding", b"").lower()
        return b"content-length" not in self._headers and not coding.endswith(b"chunked")
