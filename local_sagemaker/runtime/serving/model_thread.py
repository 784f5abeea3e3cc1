"""The one thread in which a model's functions run, one request at a time, and the way of an answer out of it.

An answer in parts is pulled from the model's generator by the same thread, so that nothing else runs in between. The
parts pass through a short queue: a slow reader slows the model instead of filling the memory.
"""

import asyncio
import sys
import traceback
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from local_sagemaker.runtime.serving.handler import Answer, Handler, Invocation, problem

MAX_QUEUED_PARTS = 4
OWN_FOLDER = str(Path(__file__).parents[3])


class PartsBroken(Exception):
    """The model raised in the middle of its answer; its traceback is in the log."""


class PartQueue:
    """Parts from the model's thread to the event loop. `close` ends it when nobody reads any more."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue(MAX_QUEUED_PARTS)
        self._closed = False
        self._broken = False

    def put(self, part: bytes | None) -> bool:
        """From the thread: hand over a part, or None for the end. False when no further one is wanted."""
        if not self._closed:
            asyncio.run_coroutine_threadsafe(self._queue.put(part), self._loop).result()
        return not self._closed

    def break_off(self) -> None:
        """From the thread: the answer ends here, incomplete."""
        self._broken = True
        self.put(None)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """The parts. Raises PartsBroken."""
        while (part := await self._queue.get()) is not None:
            yield part
        if self._broken:
            raise PartsBroken

    def close(self) -> None:
        """Make the thread's next `put` answer False, one that waits for room included."""
        self._closed = True
        while not self._queue.empty():
            self._queue.get_nowait()


@dataclass(eq=False)
class Work:
    """One request: `answered` holds the answer as soon as its first part is there, `parts` the rest."""

    invocation: Invocation
    answered: asyncio.Future[Answer]
    parts: PartQueue
    submitted: "Future[None] | None" = None

    def tell(self, answer: Answer) -> None:
        """From the thread: this is the answer."""
        self.answered.get_loop().call_soon_threadsafe(self._set, answer)

    def _set(self, answer: Answer) -> None:
        if not self.answered.done():  # nobody waits for it any more
            self.answered.set_result(answer)


class ModelThread:
    """Runs requests in the order in which they come."""

    def __init__(self, load: Callable[[], Handler]) -> None:
        """Load the model, in the thread that will use it: libraries keep things by thread."""
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="model")
        self._handler = self._thread.submit(load).result()
        self.running: Work | None = None

    def submit(self, invocation: Invocation) -> Work:
        """Have a request run; from the event loop."""
        loop = asyncio.get_running_loop()
        work = Work(invocation, loop.create_future(), PartQueue(loop))
        work.submitted = self._thread.submit(self._run, work)
        return work

    def _run(self, work: Work) -> None:
        self.running = work
        try:
            answer = self._handler.invoke(work.invocation)
            if isinstance(answer.body, bytes):
                work.tell(answer)
            else:
                _run_parts(work, answer, answer.body)
        except BaseException as error:  # noqa: BLE001 - the boundary to the model's own code, which may call sys.exit
            work.tell(failure(error))
        finally:
            self.running = None


def _run_parts(work: Work, answer: Answer, parts: Iterator[bytes]) -> None:
    """Pull the parts of an answer. What is raised before the first one is raised: there is still a status to answer."""
    part = next(parts, None)
    work.tell(replace(answer, body=parts))
    try:
        while part is not None and work.parts.put(part):
            part = next(parts, None)
        work.parts.put(None)
    except BaseException as error:  # noqa: BLE001 - the boundary to the model's own code, which may call sys.exit
        print_traceback(error)
        work.parts.break_off()
    finally:
        close = getattr(parts, "close", None)
        if close is not None:
            close()


def failure(error: BaseException) -> Answer:
    """The answer for what the model's code raised: its own `status_code` when that is 400 to 599, else 500."""
    status = getattr(error, "status_code", None)
    if not isinstance(status, int) or not 400 <= status <= 599:
        status = 500
    if status >= 500:
        print_traceback(error)
    else:
        print(f"{status} {type(error).__name__}: {error}", flush=True)  # noqa: T201 - the container's log
    return problem(status, type(error).__name__, str(error))


def print_traceback(error: BaseException) -> None:
    """The traceback from the model's own code on; all of it when none of that is there."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename.startswith((OWN_FOLDER, "<frozen importlib")):
        trace = trace.tb_next
    traceback.print_exception(type(error), error, trace or error.__traceback__, file=sys.stderr)
