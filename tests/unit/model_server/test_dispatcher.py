"""model_server/dispatcher.py over workers that only note what they are given."""

import asyncio
import functools
import json
from collections.abc import Callable, Coroutine, Sequence

from model_server.dispatcher import Batching, Dispatcher
from model_server.messages import REFUSAL_HEADER, Answer
from model_server.request import Request
from model_server.request_queue import RequestQueue


class Runner:
    """A worker."""

    def __init__(self, index: int) -> None:
        self.index = index
        self.running: dict[int, Request] = {}
        self.given: list[list[Request]] = []
        self.cancelled: list[Request] = []
        self.killed = False

    def run(self, requests: Sequence[Request]) -> None:
        """Note them."""
        self.given.append(list(requests))
        for request in requests:
            request.worker = self.index
            self.running[request.id] = request

    def cancel(self, request: Request) -> None:
        """Note it."""
        self.cancelled.append(request)

    def kill(self) -> None:
        """Note it."""
        self.killed = True


class Front:
    """A dispatcher in a running loop, and its requests."""

    def __init__(self, batching: Batching | None = None, grace_seconds: float = 60) -> None:
        self.loop = asyncio.get_running_loop()
        self.dispatcher = Dispatcher(RequestQueue(100, 100), batching or Batching(), grace_seconds, self.loop)

    def request(self) -> Request:
        """A request that wants an answer."""
        now = self.loop.time()
        request = Request({}, (b"x",), 1, now, now + 60, self.loop.create_future())
        self.dispatcher.submit(request)
        return request

    def worker(self, index: int) -> Runner:
        """A worker that can answer."""
        worker = Runner(index)
        self.dispatcher.add(worker)
        return worker

    def finish(self, worker: Runner) -> None:
        """Have it answer what it has."""
        for request in worker.running.values():
            request.answer(Answer(b"done"))
        worker.running = {}
        self.dispatcher.idle(worker)


def in_event_loop(test: Callable[[], Coroutine[None, None, None]]) -> Callable[[], None]:
    """Run a coroutine as a test."""

    @functools.wraps(test)
    def run() -> None:
        asyncio.run(test())

    return run


def problem_of(request: Request) -> tuple[int, str, str | None]:
    answer = request.answered.result()
    assert isinstance(answer.body, bytes)
    return answer.status, json.loads(answer.body)["code"], answer.headers.get(REFUSAL_HEADER)


@in_event_loop
async def test_whoever_is_idle_longest_gets_whoever_waits_longest() -> None:
    front = Front()
    first, second, third = front.request(), front.request(), front.request()
    zero = front.worker(0)
    one = front.worker(1)
    assert (zero.given, one.given) == ([[first]], [[second]])
    front.finish(one)
    assert one.given[1:] == [[third]]
    front.finish(one)
    front.finish(zero)
    for _ in range(4):
        front.request()
        front.request()
        front.finish(one)
        front.finish(zero)
    assert len(one.given) == 2 + 4
    assert len(zero.given) == 1 + 4


@in_event_loop
async def test_what_a_worker_leaves_is_tried_once_more_and_alone() -> None:
    front = Front(Batching(size=4))
    poison, innocent = front.request(), front.request()
    zero = front.worker(0)
    assert zero.given == [[poison, innocent]]
    front.dispatcher.remove(zero, "was ended by SIGKILL")
    one = front.worker(0)
    assert one.given == [[poison]]
    late = front.request()
    front.dispatcher.remove(one, "was ended by SIGKILL")
    assert problem_of(poison) == (500, "WorkerEnded", None)
    two = front.worker(0)
    assert two.given == [[innocent]]
    front.finish(two)
    assert two.given[1:] == [[late]]
    assert innocent.answered.result().body == b"done"


@in_event_loop
async def test_time_over_before_its_turn_and_while_it_runs() -> None:
    front = Front(grace_seconds=0)
    runs, waits = front.request(), front.request()
    worker = front.worker(0)
    front.dispatcher.expire(waits, 1)
    assert problem_of(waits) == (504, "Timeout", "never-started")
    front.dispatcher.expire(runs, 1)
    assert problem_of(runs) == (504, "Timeout", "timeout")
    assert (worker.cancelled, worker.killed) == ([runs], False)
    await asyncio.sleep(0.01)
    assert (worker.cancelled, worker.killed) == ([runs], True)
    front.dispatcher.remove(worker, "was ended by SIGKILL")  # nobody wants its answer any more
    assert front.worker(0).given == []


@in_event_loop
async def test_a_worker_that_ends_late_is_not_killed() -> None:
    front = Front(grace_seconds=0.01)
    request = front.request()
    worker = front.worker(0)
    front.dispatcher.expire(request, 1)
    front.finish(worker)
    await asyncio.sleep(0.03)
    assert not worker.killed


@in_event_loop
async def test_a_batch_is_handed_out_when_it_is_full_or_its_time_has_come() -> None:
    front = Front(Batching(size=3, delay_seconds=0.02))
    worker = front.worker(0)
    requests = [front.request() for _ in range(4)]
    assert worker.given == [requests[:3]]
    front.finish(worker)
    assert len(worker.given) == 1
    while len(worker.given) == 1:
        await asyncio.sleep(0.002)
    assert worker.given[1] == requests[3:]
    assert front.loop.time() - requests[3].arrived >= 0.015


@in_event_loop
async def test_those_that_wait_are_refused_when_there_will_be_no_worker() -> None:
    front = Front()
    request = front.request()
    front.dispatcher.refuse_all("why")
    assert problem_of(request) == (503, "NoWorker", "no-worker")
    assert len(front.dispatcher.queue) == 0
