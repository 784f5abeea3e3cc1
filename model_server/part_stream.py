"""The parts of a streamed answer on their way through the front: a slow reader slows the worker, not the memory."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable

MAX_BYTES = 256 * 1024


class PartsBroken(Exception):
    """The model raised in the middle of its answer, or its worker ended."""


class PartStream:
    """Parts from a worker to a client. `pause` and `resume` tell the worker's socket."""

    def __init__(self, pause: Callable[[], None], resume: Callable[[], None]) -> None:
        self._pause, self._resume = pause, resume
        self._parts: deque[bytes] = deque()
        self._bytes = 0
        self._changed = asyncio.Event()
        self._ended = self._broken = self._closed = self._paused = False

    def put(self, part: bytes) -> None:
        """The next part; dropped when nobody reads any more."""
        if self._closed:
            return
        self._parts.append(part)
        self._bytes += len(part)
        self._changed.set()
        if self._bytes > MAX_BYTES and not self._paused:
            self._paused = True
            self._pause()

    def end(self, *, broken: bool) -> None:
        """There is no further part."""
        self._ended, self._broken = True, broken
        self._changed.set()

    def close(self) -> bool:
        """Nobody reads any more. Whether parts were still to come."""
        self._closed = True
        self._parts.clear()
        self._let_go_on()
        return not self._ended

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """The parts. Raises PartsBroken."""
        while True:
            while self._parts:
                part = self._parts.popleft()
                self._bytes -= len(part)
                if self._bytes <= MAX_BYTES // 2:
                    self._let_go_on()
                yield part
            if self._ended:
                break
            self._changed.clear()
            await self._changed.wait()
        if self._broken:
            raise PartsBroken

    def _let_go_on(self) -> None:
        if self._paused:
            self._paused = False
            self._resume()
