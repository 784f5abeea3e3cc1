"""model_server/request_queue.py: its order, its bounds, and what a refused client is told."""

import math
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_server.request_queue import RequestQueue, batch_due, retry_after_seconds


@dataclass(eq=False)
class Waiter:
    arrived: float = 0.0
    attempts: int = 0


def test_first_in_first_out_and_what_is_tried_again_before_all_and_alone() -> None:
    queue: RequestQueue[Waiter] = RequestQueue(10, 10)
    first, second, third, again = Waiter(), Waiter(), Waiter(), Waiter(attempts=1)
    for request in (first, second, third):
        queue.put(request)
    queue.put_first(again)
    assert queue.oldest() is again
    assert queue.take(8) == [again]
    assert queue.take(2) == [first, second]
    queue.put(again)
    assert queue.take(8) == [third]
    assert queue.take(8) == [again]


def test_it_is_full_by_the_number_of_its_requests() -> None:
    queue: RequestQueue[Waiter] = RequestQueue(2, 10)
    waiting = [Waiter(), Waiter()]
    found = []
    for request in waiting:
        found.append(queue.full)
        queue.put(request)
    found.append(queue.full)
    assert queue.remove(waiting[0])
    assert not queue.remove(waiting[0])
    assert [*found, queue.full] == [False, False, True, False]
    assert queue.take_all() == [waiting[1]]
    assert len(queue) == 0


def test_bodies_are_bounded_together_and_one_alone_is_not() -> None:
    queue: RequestQueue[Waiter] = RequestQueue(2, 100)
    assert queue.hold(60, 0)
    assert not queue.hold(60, 0)
    assert queue.hold(40, 0)
    assert not queue.hold(1, 40)
    queue.let_go(60)
    queue.let_go(40)
    assert queue.hold(90, 0)
    assert queue.hold(1000, 90)  # its own 90 are all that is held


@pytest.mark.parametrize(
    ("waiting", "attempts", "expected"), [(1, 0, 7.5), (3, 0, 7.5), (4, 0, -math.inf), (1, 1, -math.inf)]
)
def test_a_batch_waits_for_its_size_or_its_delay(waiting: int, attempts: int, expected: float) -> None:
    oldest = Waiter(arrived=7.0, attempts=attempts)
    assert batch_due(waiting, oldest, batch_size=4, delay_seconds=0.5) == expected


@given(st.integers(0, 10**6), st.floats(0, 10**6), st.integers(0, 64))
def test_retry_after_is_between_one_and_thirty_seconds(waiting: int, service: float, workers: int) -> None:
    assert 1 <= retry_after_seconds(waiting, service, workers) <= 30


def test_retry_after_follows_the_queue() -> None:
    assert retry_after_seconds(512, 0.04, 2) == 6
    assert retry_after_seconds(512, 0.04, 8) == 2
