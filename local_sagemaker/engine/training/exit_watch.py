"""Wakes the engine at the moment a process ends, so that it need not look for that often."""

import contextlib
import os
import select
import threading
from collections.abc import Callable


class ExitWatch:
    """One thread over the pidfds of the processes that were named."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._epoll = select.epoll()
        self._pids: dict[int, int] = {}  # by pidfd
        self._gone: set[int] = set()  # had ended when they were named
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def watch(self, pid: int) -> None:
        """Wake the engine when process `pid` ends; at once, and only once, when it has ended already."""
        with self._lock:
            if pid in self._pids.values():
                return
            try:
                pidfd = os.pidfd_open(pid)
            except OSError:
                if pid not in self._gone:
                    self._gone.add(pid)
                    self._wake()
                return
            self._gone.discard(pid)
            self._pids[pidfd] = pid
            self._epoll.register(pidfd, select.EPOLLIN)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="exit watch", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            for pidfd, _ in self._epoll.poll():
                with self._lock, contextlib.suppress(KeyError):
                    del self._pids[pidfd]
                    self._epoll.unregister(pidfd)
                    os.close(pidfd)
            self._wake()
