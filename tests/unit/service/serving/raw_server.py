"""A server on loopback that says whatever bytes a test wants, and a proxy; for asyncio and for uvloop."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import uvloop

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
LOOPS: tuple[Callable[[], asyncio.AbstractEventLoop], ...] = (asyncio.new_event_loop, uvloop.new_event_loop)
SECONDS = 60.0


def run(loop: Callable[[], asyncio.AbstractEventLoop], main: Coroutine[Any, Any, None]) -> None:
    """Run to the end in a loop of this kind, which has to leave nothing behind."""
    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(asyncio.wait_for(main, SECONDS))


@asynccontextmanager
async def serving(talk: Talk, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """Answers the port. Every connection is talked to, then closed; all are when the block ends."""
    writers: list[asyncio.StreamWriter] = []

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        try:
            await talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client went first
        finally:
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in writers:
            writer.transport.abort()
        await asyncio.sleep(0)


async def request(reader: asyncio.StreamReader) -> tuple[str, bytes]:
    """The next request: its head as text, and its body."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    lengths = [line.partition(":")[2] for line in head.split("\r\n") if line.lower().startswith("content-length:")]
    return head, await reader.readexactly(int(lengths[0]) if lengths else 0)


def saying(*answers: bytes, asked: list[tuple[str, bytes]] | None = None) -> Talk:
    """Reads a request for each of the answers, and says it."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in answers:
            got = await request(reader)
            if asked is not None:
                asked.append(got)
            writer.write(answer)
            await writer.drain()

    return talk


def proxying(port: int, heads: list[str]) -> Talk:
    """A proxy that leads every tunnel, and every other request, to this port; `heads` are what it was asked."""

    async def pumped(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            pass
        writer.close()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        heads.append(head)
        onward, back = await asyncio.open_connection("127.0.0.1", port)
        if head.startswith("CONNECT "):
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            back.write(head.encode())
        await asyncio.gather(pumped(reader, back), pumped(onward, writer))

    return talk
