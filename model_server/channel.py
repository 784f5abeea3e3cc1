"""The front's end of the socket to a worker: frames in and out without waiting, what cannot be written yet kept."""

import asyncio
import socket
from collections import deque
from collections.abc import Callable, Iterable

from model_server.frames import Frame, FrameDecoder

READ_BYTES = 256 * 1024
MAX_BUFFERS = 256  # in one sendmsg


class Channel:
    """A non-blocking socket in the event loop. `received` is called for each frame, `closed` once, at its end."""

    def __init__(
        self,
        connection: socket.socket,
        loop: asyncio.AbstractEventLoop,
        received: Callable[[Frame], None],
        closed: Callable[[], None],
    ) -> None:
        connection.setblocking(False)
        self._connection = connection
        self._descriptor = connection.fileno()
        self._loop = loop
        self._received, self._closed = received, closed
        self._decoder = FrameDecoder()
        self._buffer = memoryview(bytearray(READ_BYTES))
        self._unsent: deque[memoryview] = deque()
        self._open = True
        loop.add_reader(self._descriptor, self._read)

    def send(self, buffers: Iterable[bytes]) -> None:
        """Write these bytes, now or as soon as there is room. Nothing happens when the other end is gone."""
        if not self._open:
            return
        waited = bool(self._unsent)
        self._unsent.extend(memoryview(buffer) for buffer in buffers)
        if not waited:
            self._write()
            if self._unsent and self._open:
                self._loop.add_writer(self._descriptor, self._write_more)

    def pause(self) -> None:
        """Read no more for the time being: the worker waits when the socket is full."""
        if self._open:
            self._loop.remove_reader(self._descriptor)

    def resume(self) -> None:
        """Read again."""
        if self._open:
            self._loop.add_reader(self._descriptor, self._read)

    def drain(self) -> None:
        """Read all that is there."""
        while self._open and self._read():
            pass

    def end_requests(self) -> None:
        """Tell the worker that no further request comes."""
        if self._open:
            self._connection.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Let the socket go."""
        if not self._open:
            return
        self._open = False
        self._loop.remove_reader(self._descriptor)
        self._loop.remove_writer(self._descriptor)
        self._connection.close()

    def _read(self) -> bool:
        """One read; whether there may be more."""
        try:
            count = self._connection.recv_into(self._buffer)
        except (BlockingIOError, InterruptedError):
            return False
        except OSError:
            count = 0
        if not count:
            self._end()
            return False
        try:
            for frame in self._decoder.feed(self._buffer[:count]):
                self._received(frame)
        except ValueError:  # the model's code has written into the socket
            self._end()
        return self._open

    def _write(self) -> None:
        while self._unsent:
            buffers = [self._unsent[index] for index in range(min(len(self._unsent), MAX_BUFFERS))]
            try:
                sent = self._connection.sendmsg(buffers)
            except (BlockingIOError, InterruptedError):
                return
            except OSError:  # the reader sees the end
                self._unsent.clear()
                return
            while self._unsent and sent >= len(self._unsent[0]):
                sent -= len(self._unsent.popleft())
            if sent:
                self._unsent[0] = self._unsent[0][sent:]

    def _write_more(self) -> None:
        self._write()
        if not self._unsent:
            self._loop.remove_writer(self._descriptor)

    def _end(self) -> None:
        self.close()
        self._closed()
