"""The connection to SageMaker Runtime, and servers that answer in every way."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.aws import runtime_connection
from service.aws.runtime_connection import Connection, ConnectionFailed
from service.aws.runtime_destination import destination_of
from service.aws.runtime_dial import dial
from service.aws.runtime_message import Answer, request_head
from tests.unit.service.serving.raw_server import LOOPS, Talk, request, run, saying, serving

Loop = Callable[[], asyncio.AbstractEventLoop]
HELLO = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-A: 1\r\nx-a: 2\r\n\r\n"
    b"3\r\nhel\r\n2;extension=1\r\nlo\r\n0\r\nX-Trailer: late\r\n\r\n"
)
INTERIM = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"

every_loop = pytest.mark.parametrize("loop", LOOPS)


@asynccontextmanager
async def connected(talk: Talk) -> AsyncIterator[Connection]:
    """A connection to a server that talks like this."""
    async with serving(talk) as port:
        connection = await dial(destination_of(f"http://127.0.0.1:{port}", None), None)
        try:
            yield connection
        finally:
            connection.abort()
            await asyncio.sleep(0)


async def asked(connection: Connection, body: bytes = b"image") -> Answer:
    """The answer to a request."""
    head = request_head("/endpoints/dogs/invocations", "Host: localhost\r\n", {"Accept": "*/*"}, len(body))
    return await connection.exchange(head, body)


@every_loop
def test_requests_follow_each_other_on_one_connection(loop: Loop) -> None:
    got: list[tuple[str, bytes]] = []

    async def main() -> None:
        async with connected(saying(HELLO, CHUNKED, INTERIM + HELLO, asked=got)) as connection:
            for number in range(3):
                answer = await asked(connection, b"image %d" % number)
                assert (answer.status, answer.body) == (200, b"hello")
                if number == 1:
                    assert answer.headers["X-A"] == answer.headers["x-a"] == "1, 2"
                    assert "X-Trailer" not in answer.headers
                else:
                    assert answer.headers["content-type"] == "text/plain"
                    assert set(answer.headers) == {"content-type", "content-length"}

    run(loop, main())
    assert [body for _, body in got] == [b"image 0", b"image 1", b"image 2"]
    assert got[0][0] == (
        "POST /endpoints/dogs/invocations HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\nContent-Length: 7\r\n\r\n"
    )


@every_loop
@pytest.mark.parametrize("answer", [HELLO, INTERIM + CHUNKED], ids=["length", "chunked"])
def test_an_answer_that_is_split_anywhere(loop: Loop, answer: bytes) -> None:
    async def main() -> None:
        connection, transport = _without_server()
        for place in range(1, len(answer)):
            pending = asyncio.ensure_future(asked(connection))
            await asyncio.sleep(0)
            connection.data_received(answer[:place])
            await asyncio.sleep(0)
            connection.data_received(answer[place:])
            assert (await pending).body == b"hello"
            assert connection.is_open
        assert not transport.is_closing()

    run(loop, main())


@settings(deadline=None, max_examples=60)
@given(st.binary(max_size=400), st.data())
def test_bodies_in_chunks_that_come_in_pieces(body: bytes, data: st.DataObject) -> None:
    chunks, rest = b"", body
    while rest:
        size = data.draw(st.integers(1, len(rest)))
        chunks += b"%x\r\n%b\r\n" % (size, rest[:size])
        rest = rest[size:]
    wire = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"
    cuts = sorted(data.draw(st.lists(st.integers(0, len(wire)), max_size=8)))

    async def main() -> None:
        connection, _ = _without_server()
        pending = asyncio.ensure_future(asked(connection))
        await asyncio.sleep(0)
        for begin, end in zip([0, *cuts], [*cuts, len(wire)], strict=True):
            if begin < end:
                connection.data_received(wire[begin:end])
        assert (await pending).body == body
        assert connection.is_open

    run(asyncio.new_event_loop, main())


@every_loop
@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\n\r\nhello",
        b"HTTP/1.0 200 OK\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nConnection: Close\r\n\r\nhello",
        b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nhello",
    ],
    ids=["until the end", "1.0", "close", "close and until the end", "1.0 with a length", "no last chunk"],
)
def test_a_connection_that_the_server_ends_is_not_used_again(loop: Loop, answer: bytes) -> None:
    async def main() -> None:
        async with connected(saying(answer)) as connection:
            assert (await asked(connection)).body == b"hello"
            assert not connection.is_open
            with pytest.raises(ConnectionFailed, match="has closed"):
                await asked(connection)

    run(loop, main())


@every_loop
def test_an_answer_without_a_body(loop: Loop) -> None:
    async def main() -> None:
        async with connected(saying(b"HTTP/1.1 204 No Content\r\n\r\n", HELLO)) as connection:
            assert (await asked(connection)).body == b""
            assert (await asked(connection)).body == b"hello"

    run(loop, main())


@every_loop
@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (b"", "lost before the answer"),
        (b"HTTP/1.1 200 OK\r\nContent-Le", "lost in the middle of"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", "lost in the middle of"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", "lost in the middle of"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "does not speak HTTP/1.1"),
        (b"HTTP/1.1 abc\r\n\r\n", "does not speak HTTP/1.1"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello", "does not speak HTTP/1.1"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: five\r\n\r\nhello", "does not speak HTTP/1.1"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "does not speak HTTP/1.1"),
        (b"HTTP/1.1 101 Switching\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n", "does not speak HTTP/1.1"),
        (b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 2**17, "headers without an end"),
        (INTERIM * 1500, "headers without an end"),
    ],
)
def test_what_is_no_answer_is_told_and_ends_the_connection(loop: Loop, answer: bytes, message: str) -> None:
    async def main() -> None:
        async with connected(saying(answer)) as connection:
            with pytest.raises(ConnectionFailed, match=message) as failed:
                await asked(connection)
            assert failed.value.lasting == ("lost" not in message)
            assert not connection.is_open

    run(loop, main())


@every_loop
@pytest.mark.parametrize("head", [b"Content-Length: 10000000", b"Transfer-Encoding: chunked", b"X-Until: the end"])
def test_an_answer_that_is_too_large_is_not_read_on(loop: Loop, head: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime_connection, "MAX_ANSWER_BYTES", 2**20)
    written = 0

    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal written
        await request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n\r\n")
        while True:
            writer.write(b"10000\r\n" + b"x" * 65536 + b"\r\n")
            await writer.drain()
            written += 65536

    async def main() -> None:
        async with connected(endless) as connection:
            with pytest.raises(ConnectionFailed, match="more than 1,048,576 bytes"):
                await asked(connection)
            assert not connection.is_open

    run(loop, main())
    assert written < 2**26


@every_loop
def test_an_answer_to_nothing_reaches_no_request(loop: Loop) -> None:
    async def eager(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request(reader)
        writer.write(HELLO + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
        await reader.read()

    async def main() -> None:
        async with connected(eager) as connection:
            assert (await asked(connection)).body == b"hello"
            assert not connection.is_open
        late = asyncio.Event()

        async def later(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await request(reader)
            writer.write(HELLO)
            await late.wait()
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
            await reader.read()

        async with connected(later) as connection:
            assert (await asked(connection)).body == b"hello"
            assert connection.is_open
            late.set()
            while connection.is_open:
                await asyncio.sleep(0.001)

    run(loop, main())


@every_loop
@pytest.mark.parametrize("body", [b"image", b"x" * 2**23], ids=["small", "large"])
def test_a_cancelled_request_closes_its_connection(loop: Loop, body: bytes) -> None:
    begun, gone = asyncio.Event(), asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        begun.set()
        try:
            while await reader.read(65536):
                pass
        finally:
            gone.set()

    async def main() -> None:
        async with connected(silent) as connection:
            pending = asyncio.ensure_future(asked(connection, body))
            await begun.wait()
            pending.cancel()
            with pytest.raises(asyncio.CancelledError):
                await pending
            assert not connection.is_open
            await gone.wait()

    run(loop, main())


@every_loop
def test_a_large_body_is_written_as_the_server_reads_it(loop: Loop) -> None:
    body = bytes(range(256)) * 2**15
    reads = asyncio.Event()
    got: list[bytes] = []

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reads.wait()
        got.append((await request(reader))[1])
        writer.write(HELLO)
        await reader.read()

    async def main() -> None:
        async with connected(slow) as connection:
            pending = asyncio.ensure_future(asked(connection, body))
            while connection._resumed is None:  # the transport wants no more
                await asyncio.sleep(0.001)
            assert connection._transport.get_write_buffer_size() < 2**20
            reads.set()
            assert (await pending).body == b"hello"
            assert connection.is_open

    run(loop, main())
    assert got == [body]


@every_loop
def test_an_answer_before_the_body_is_out(loop: Loop) -> None:
    async def refusing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n")
        await told.wait()

    told = asyncio.Event()

    async def main() -> None:
        async with connected(refusing) as connection:
            assert (await asked(connection, b"x" * 2**24)).status == 413
            assert not connection.is_open  # what follows would be read as the body's rest
            told.set()

    run(loop, main())


def test_an_answer_while_the_body_still_waits_in_the_transport() -> None:
    async def main() -> None:
        connection, transport = _without_server()
        transport.waiting_bytes = 1
        pending = asyncio.ensure_future(asked(connection))
        await asyncio.sleep(0)
        connection.data_received(HELLO)
        assert (await pending).body == b"hello"
        assert not connection.is_open

    run(asyncio.new_event_loop, main())


@every_loop
def test_a_server_that_closes_while_nothing_is_asked(loop: Loop) -> None:
    async def main() -> None:
        async with connected(saying(HELLO)) as connection:
            assert (await asked(connection)).body == b"hello"
            while connection.is_open:
                await asyncio.sleep(0.001)

    run(loop, main())


@every_loop
def test_nobody_listens(loop: Loop) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]

    async def main() -> None:
        for url, message in (
            (f"http://127.0.0.1:{port}", "[Rr]efused"),
            (f"http://[::1]:{port}", "[Rr]efused|requested address"),
            ("http://no-such-host.invalid", "no connection to no-such-host.invalid:80"),
        ):
            with pytest.raises(ConnectionFailed, match=message) as failed:
                await dial(destination_of(url, None), None)
            assert not failed.value.lasting
        with pytest.raises(ConnectionFailed, match="no host name") as failed:
            await dial(destination_of(f"http://{'x' * 70}.invalid", None), None)
        assert failed.value.lasting

    run(loop, main())


class _Transport(asyncio.Transport):
    """Takes everything."""

    def __init__(self) -> None:
        super().__init__()
        self._closing = False
        self.waiting_bytes = 0

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Take it."""

    def is_closing(self) -> bool:
        return self._closing

    def abort(self) -> None:
        self._closing = True

    def get_write_buffer_size(self) -> int:
        return self.waiting_bytes


def _without_server() -> tuple[Connection, _Transport]:
    connection, transport = Connection(), _Transport()
    connection.connection_made(transport)
    return connection, transport
