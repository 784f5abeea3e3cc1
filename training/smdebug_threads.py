"""What smdebug's writing thread leaves undone when it dies of a full disk: smdebug waits for it for ever."""

import threading
from collections.abc import Callable
from typing import Any


def survive_dead_writers(tell: Callable[[object], None]) -> None:
    """Let smdebug go on without a writing thread that has died; `tell` hears of what.

    Events go to a thread a step through a queue, and are waited for until all are done: so the thread that dies of an
    error empties its queue first.
    """
    before = threading.excepthook

    def died(arguments: threading.ExceptHookArgs) -> None:
        thread: Any = arguments.thread
        if type(thread).__name__ != "_EventLoggerThread":
            before(arguments)
            return
        tell(arguments.exc_value)
        event = None
        while event is not thread._sentinel_event:
            event = thread._queue.get()
            thread._queue.task_done()

    threading.excepthook = died
