"""Keeps the workers: the first proves that the model loads, the others follow; one that ends is replaced."""

import asyncio
import signal
from collections.abc import Callable
from dataclasses import dataclass

from model_server.dispatcher import Dispatcher
from model_server.pauses import MAX_FAILED_LOADS, pause_seconds, short_lives_after
from model_server.spawn import Child
from model_server.worker_process import WorkerProcess

STOP_SECONDS = 5.0  # between the end of all requests and SIGKILL


@dataclass
class _Place:
    """Where one worker after the other lives."""

    worker: WorkerProcess | None = None
    short_lives: int = 0


class Fleet:
    """`count` workers. `on_ready` is called when the first has loaded the model, `on_failed` when none ever will."""

    def __init__(
        self,
        spawn: Callable[[int], Child],
        count: int,
        dispatcher: Dispatcher,
        *,
        on_ready: Callable[[], None],
        on_failed: Callable[[], None],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._spawn = spawn
        self._dispatcher = dispatcher
        self._on_ready, self._on_failed = on_ready, on_failed
        self._loop = loop
        self._places = [_Place() for _ in range(count)]
        self._was_ready = self._closing = False
        self._failed_loads = 0
        self._all_ended = asyncio.Event()

    def start(self, first: Child) -> None:
        """Take over the first worker, which has been started already."""
        self._places[0].worker = WorkerProcess(0, first, self, self._loop)

    def loaded(self, worker: WorkerProcess) -> None:
        """A worker can answer."""
        self._failed_loads = 0
        self._dispatcher.add(worker)
        if not self._was_ready:
            self._was_ready = True
            self._on_ready()
            for index in range(1, len(self._places)):
                self._start(index)

    def idle(self, worker: WorkerProcess) -> None:
        """A worker has answered what it had."""
        self._dispatcher.idle(worker)

    def ended(self, worker: WorkerProcess, returncode: int) -> None:
        """A worker's process has ended: what it had is tried again, and another one takes its place."""
        place = self._places[worker.index]
        place.worker = None
        how = ended_how(returncode)
        if not self._closing:
            self._replace(worker, place, how)
        self._dispatcher.remove(worker, how)
        if not any(place.worker for place in self._places):
            self._all_ended.set()

    async def close(self) -> None:
        """End all workers, which have nothing to do any more; those that do not end by themselves are killed."""
        self._closing = True
        living = [place.worker for place in self._places if place.worker is not None]
        if not living:
            return
        self._all_ended.clear()
        for worker in living:
            worker.end_requests()
            if worker.loaded_at is None:  # it would load the model first
                worker.kill()
        try:
            await asyncio.wait_for(self._all_ended.wait(), STOP_SECONDS)
        except TimeoutError:
            for worker in living:
                worker.kill()

    def _start(self, index: int) -> None:
        if not self._closing:
            self._places[index].worker = WorkerProcess(index, self._spawn(index), self, self._loop)

    def _replace(self, worker: WorkerProcess, place: _Place, how: str) -> None:
        if worker.loaded_at is None:
            self._failed_loads += 1
            gives_up = self._failed_loads >= MAX_FAILED_LOADS and not self._dispatcher.workers
            if not self._was_ready or gives_up:
                self._give_up(how)
                return
            lived, when = 0.0, " while it loaded the model"
        else:
            lived, when = self._loop.time() - worker.loaded_at, ""
        place.short_lives = short_lives_after(place.short_lives, lived)
        pause = pause_seconds(place.short_lives)
        _say(f"worker {worker.index} {how}{when}; another one is started{f' in {pause:g} s' if pause else ''}")
        if pause:
            self._loop.call_later(pause, self._start, worker.index)
        else:
            self._start(worker.index)

    def _give_up(self, how: str) -> None:
        self._closing = True
        if how != _AFTER_TRACEBACK:  # which is the model's own last word
            _say(f"the worker {how} while it loaded the model")
        self._dispatcher.refuse_all("the model cannot be loaded; the log of the model server tells why")
        self._on_failed()


def ended_how(returncode: int) -> str:
    """Completes "The worker ..."; a negative return code is the signal's number."""
    if returncode >= 0:
        return f"exited with code {returncode}"
    return f"was ended by {signal.Signals(-returncode).name}"


_AFTER_TRACEBACK = ended_how(1)


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - the container's log
