"""Connections that are used again, and those that are not."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from service.aws import runtime_pool
from service.aws.runtime_connection import ConnectionFailed
from service.aws.runtime_destination import destination_of
from service.aws.runtime_dial import dial
from service.aws.runtime_pool import ConnectionPool
from tests.unit.service.serving.raw_server import LOOPS, Talk, request, run, saying, serving

Loop = Callable[[], asyncio.AbstractEventLoop]
HELLO = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

every_loop = pytest.mark.parametrize("loop", LOOPS)


async def echoing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers every request."""
    while True:
        await request(reader)
        writer.write(HELLO)


@asynccontextmanager
async def pool_of(talk: Talk) -> AsyncIterator[ConnectionPool]:
    """A pool of connections to a server that talks like this."""
    async with serving(talk) as port:
        destination = destination_of(f"http://127.0.0.1:{port}", None)
        pool = ConnectionPool(lambda: dial(destination, None))
        try:
            yield pool
        finally:
            await pool.close()


async def ask(pool: ConnectionPool) -> int:
    """One request; answers which connection had it."""
    connection = await pool.take()
    try:
        await connection.exchange(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", b"")
    finally:
        pool.give_back(connection)
    return id(connection)


@every_loop
def test_the_connection_that_was_used_last_is_used_next(loop: Loop) -> None:
    async def main() -> None:
        async with pool_of(echoing) as pool:
            first, second = await pool.take(), await pool.take()
            pool.give_back(first)
            pool.give_back(second)
            assert [await pool.take(), await pool.take()] == [second, first]
            pool.give_back(first)
            pool.give_back(second)
            assert len({await ask(pool) for _ in range(5)}) == 1

    run(loop, main())


@every_loop
def test_no_more_than_so_many_at_once(loop: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime_pool, "MAX_CONNECTIONS", 2)

    async def main() -> None:
        async with pool_of(echoing) as pool:
            first, second = await pool.take(), await pool.take()
            third = asyncio.ensure_future(pool.take())
            given_up = asyncio.ensure_future(pool.take())
            await asyncio.sleep(0)
            given_up.cancel()
            assert not third.done()
            pool.give_back(second)
            assert await third is second
            pool.give_back(second)
            pool.give_back(first)
            assert len(set(await asyncio.gather(*(ask(pool) for _ in range(20))))) == 2

    run(loop, main())


@every_loop
def test_a_connection_that_cannot_be_had_takes_no_place(loop: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime_pool, "MAX_CONNECTIONS", 1)

    async def main() -> None:
        async def failing() -> None:
            raise ConnectionFailed("no")

        pool = ConnectionPool(failing)  # type: ignore[arg-type]
        for _ in range(3):
            with pytest.raises(ConnectionFailed):
                await pool.take()
        await pool.close()

    run(loop, main())


@every_loop
def test_a_closed_connection_is_replaced(loop: Loop) -> None:
    async def main() -> None:
        async with pool_of(saying(HELLO)) as pool:  # one answer a connection
            connections = set()
            for _ in range(3):
                connection = await pool.take()
                connections.add(connection)
                await connection.exchange(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", b"")
                pool.give_back(connection)
                while connection.is_open:
                    await asyncio.sleep(0.001)
            assert len(connections) == 3

    run(loop, main())


@every_loop
def test_idle_connections_are_closed_after_a_while(loop: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime_pool, "KEEP_ALIVE_SECONDS", 0.03)

    async def main() -> None:
        async with pool_of(echoing) as pool:
            first, second = await pool.take(), await pool.take()
            pool.give_back(first)
            while first.is_open:
                await asyncio.sleep(0.001)
            assert second.is_open  # in use
            pool.give_back(second)
            while [second.is_open] == [True]:
                await asyncio.sleep(0.001)
            assert await ask(pool) not in {id(first), id(second)}

    run(loop, main())


@every_loop
def test_what_is_in_use_at_the_end_is_closed_once_it_is_given_back(loop: Loop) -> None:
    async def main() -> None:
        async with pool_of(echoing) as pool:
            idle, used = await pool.take(), await pool.take()
            pool.give_back(idle)
            await pool.close()
            assert [idle.is_open, used.is_open] == [False, True]
            pool.give_back(used)
            assert [used.is_open] == [False]
            await asyncio.sleep(0)

    run(loop, main())
