"""Brings requests and idle workers together: whoever has been idle for longest gets whoever has waited for longest."""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from model_server.messages import REFUSAL_HEADER, problem
from model_server.request import Request
from model_server.request_queue import RequestQueue, batch_due, retry_after_seconds
from model_server.service_time import ServiceTime

MAX_ATTEMPTS = 2  # a prediction may be asked twice


class Runner(Protocol):
    """A worker, as far as it matters here."""

    index: int
    running: dict[int, Request]

    def run(self, requests: Sequence[Request]) -> None:
        """Have these requests answered."""

    def cancel(self, request: Request) -> None:
        """Nobody reads the rest."""

    def kill(self) -> None:
        """End it at once."""


@dataclass(frozen=True)
class Batching:
    """Up to `size` requests go to a worker at once; the first of them waits up to `delay_seconds` for the others."""

    size: int = 1
    delay_seconds: float = 0.0


class Dispatcher:
    """The queue and the workers. `grace_seconds` is what a worker gets after a request's time before it is killed."""

    def __init__(
        self, queue: RequestQueue[Request], batching: Batching, grace_seconds: float, loop: asyncio.AbstractEventLoop
    ) -> None:
        self.queue = queue
        self.service_time = ServiceTime()
        self._batching = batching
        self._grace_seconds = grace_seconds
        self._loop = loop
        self._workers: dict[int, Runner] = {}
        self._idle: deque[Runner] = deque()
        self._batch_timer: asyncio.TimerHandle | None = None

    def submit(self, request: Request) -> None:
        """Have the request answered by a worker."""
        self.queue.put(request)
        self._match()

    def add(self, worker: Runner) -> None:
        """A worker has loaded the model."""
        self._workers[worker.index] = worker
        self.idle(worker)

    def idle(self, worker: Runner) -> None:
        """A worker has answered all that it had."""
        self._idle.append(worker)
        self._match()

    def remove(self, worker: Runner, how: str) -> None:
        """A worker has ended, as `how` says. What it had is tried once more, alone; a streamed answer is broken off."""
        if self._workers.get(worker.index) is worker:
            del self._workers[worker.index]
        if worker in self._idle:
            self._idle.remove(worker)
        unanswered, worker.running = list(worker.running.values()), {}
        for request in reversed(unanswered):
            if request.stream is not None:
                request.stream.end(broken=True)
            elif not request.answered.done():
                self._try_again(request, how)
        self._match()

    def expire(self, request: Request, seconds: float) -> None:
        """The request's time is over. A worker that has it gets the grace."""
        if request.worker is None:
            self.queue.remove(request)
            message = f"{seconds:g} seconds were over before the model had answered the requests before this one"
            request.answer(problem(504, "Timeout", message, **{REFUSAL_HEADER: "never-started"}))
            return
        self.abandon(request)
        message = f"the model did not answer within {seconds:g} seconds"
        request.answer(problem(504, "Timeout", message, **{REFUSAL_HEADER: "timeout"}))

    def abandon(self, request: Request) -> None:
        """Nobody waits for the (rest of the) answer: the worker that has it may still end it, and is killed later."""
        worker = self._workers.get(request.worker if request.worker is not None else -1)
        if worker is not None and request.id in worker.running:
            worker.cancel(request)
            self._loop.call_later(self._grace_seconds, self._kill_if_hung, worker, request)

    def withdraw(self, request: Request) -> bool:
        """The client has left: a request that waits need not be run. Whether it waited."""
        return self.queue.remove(request)

    def refuse_all(self, message: str) -> None:
        """Answer all that wait: there will be no worker."""
        for request in self.queue.take_all():
            request.answer(problem(503, "NoWorker", message, **{REFUSAL_HEADER: "no-worker"}))

    def retry_after(self) -> int:
        """The seconds after which a client that is refused may try again."""
        return retry_after_seconds(len(self.queue), self.service_time.seconds, len(self._workers))

    @property
    def workers(self) -> int:
        """Workers that have loaded the model."""
        return len(self._workers)

    def _try_again(self, request: Request, how: str) -> None:
        request.attempts += 1
        if request.attempts < MAX_ATTEMPTS:
            request.worker = None
            self.queue.put_first(request)
            return
        message = f"the worker that ran this request {how} before it answered, and so did the one before it"
        request.answer(problem(500, "WorkerEnded", message))

    def _match(self) -> None:
        while self._idle and len(self.queue):
            due = batch_due(
                len(self.queue),
                self.queue.oldest(),
                batch_size=self._batching.size,
                delay_seconds=self._batching.delay_seconds,
            )
            if due > self._loop.time():
                self._match_at(due)
                return
            self._idle.popleft().run(self.queue.take(self._batching.size))

    def _match_at(self, when: float) -> None:
        if self._batch_timer is None:
            self._batch_timer = self._loop.call_at(when, self._batch_timer_over)

    def _batch_timer_over(self) -> None:
        self._batch_timer = None
        self._match()

    def _kill_if_hung(self, worker: Runner, request: Request) -> None:
        if request.id in worker.running:
            seconds = self._grace_seconds
            message = f"an invocation still runs {seconds:g} seconds after its time: worker {worker.index} is replaced"
            print(message, flush=True)  # noqa: T201 - the container's log
            worker.kill()
