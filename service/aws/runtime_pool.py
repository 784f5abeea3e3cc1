"""The connections to one address: those in use are counted, those that are not wait for the next request."""

import asyncio
from collections.abc import Awaitable, Callable

from service.aws.runtime_connection import Connection

MAX_CONNECTIONS = 256
KEEP_ALIVE_SECONDS = 30.0


class ConnectionPool:
    """For one event loop. Every connection that is taken has to be given back."""

    def __init__(self, dial: Callable[[], Awaitable[Connection]]) -> None:
        self._dial = dial
        self._slots = asyncio.Semaphore(MAX_CONNECTIONS)
        self._idle: list[Connection] = []  # the last one that was used is at the end, and is the first to be used again
        self._sweep: asyncio.TimerHandle | None = None
        self._closed = False

    async def take(self) -> Connection:
        """An open connection, a new one where none is idle. Waits while MAX_CONNECTIONS are in use.

        Raises what dialling raises.
        """
        await self._slots.acquire()
        while self._idle:
            connection = self._idle.pop()
            if connection.is_open:  # the server may have closed it
                return connection
        try:
            return await self._dial()
        except BaseException:
            self._slots.release()
            raise

    def give_back(self, connection: Connection) -> None:
        """Keep the connection for another request, if it can have one."""
        self._slots.release()
        if not connection.is_open:
            return
        if self._closed:
            connection.abort()
            return
        loop = asyncio.get_running_loop()
        connection.idle_since = loop.time()
        self._idle.append(connection)
        if self._sweep is None:
            self._sweep = loop.call_later(KEEP_ALIVE_SECONDS, self._close_old_ones)

    async def close(self) -> None:
        """Close what is idle, and what is in use once it is given back."""
        self._closed = True
        if self._sweep is not None:
            self._sweep.cancel()
        for connection in self._idle:
            connection.abort()
        self._idle.clear()
        await asyncio.sleep(0)  # sockets are closed in the loop's next round

    def _close_old_ones(self) -> None:
        """Close what nobody wanted for so long; look again when the next one is due."""
        self._sweep = None
        loop = asyncio.get_running_loop()
        now = loop.time()
        while self._idle:
            oldest = self._idle[0]
            left = oldest.idle_since + KEEP_ALIVE_SECONDS - now
            if oldest.is_open and left > 0:
                self._sweep = loop.call_later(left, self._close_old_ones)
                return
            oldest.close()
            del self._idle[0]
