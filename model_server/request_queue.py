"""The one queue of a model server: first in, first out, bounded in requests and in the bytes of the bodies it holds."""

import math
from collections import deque
from typing import Generic, Protocol, TypeVar


class Waiting(Protocol):
    """What waits."""

    arrived: float
    attempts: int


WaitingT = TypeVar("WaitingT", bound=Waiting)


class RequestQueue(Generic[WaitingT]):
    """Requests whose bodies are complete and who wait for a worker; and the bytes of all bodies that are held.

    A body is held from its first byte until its request is answered, since it may be needed a second time.
    """

    def __init__(self, max_requests: int, max_bytes: int) -> None:
        self._max_requests, self._max_bytes = max_requests, max_bytes
        self._waiting: deque[WaitingT] = deque()
        self._held_bytes = 0

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def full(self) -> bool:
        """Whether no further request may wait."""
        return len(self._waiting) >= self._max_requests

    def hold(self, more: int, own: int) -> bool:
        """Count `more` bytes of a body of which `own` are held; False when there is no room.

        There is always room for one alone, however large.
        """
        if self._held_bytes + more > self._max_bytes and self._held_bytes > own:
            return False
        self._held_bytes += more
        return True

    def let_go(self, held: int) -> None:
        """The bytes of a body are needed no more."""
        self._held_bytes -= held

    def put(self, request: WaitingT) -> None:
        """Behind all others."""
        self._waiting.append(request)

    def put_first(self, request: WaitingT) -> None:
        """Before all others: it has had its turn, and its worker has ended."""
        self._waiting.appendleft(request)

    def take(self, most: int) -> list[WaitingT]:
        """Up to `most` requests from the front. One that is tried again comes alone: it may end its worker again."""
        taken: list[WaitingT] = []
        while self._waiting and len(taken) < most:
            if self._waiting[0].attempts and taken:
                break
            taken.append(self._waiting.popleft())
            if taken[-1].attempts:
                break
        return taken

    def remove(self, request: WaitingT) -> bool:
        """Take a request out; False when it waits no more."""
        if request not in self._waiting:
            return False
        self._waiting.remove(request)
        return True

    def take_all(self) -> list[WaitingT]:
        """Everything that waits."""
        taken = list(self._waiting)
        self._waiting.clear()
        return taken

    def oldest(self) -> WaitingT:
        """The next to be taken."""
        return self._waiting[0]


def batch_due(waiting: int, oldest: Waiting, *, batch_size: int, delay_seconds: float) -> float:
    """From when on (by the clock of `arrived`) a batch is handed out to an idle worker; -inf for at once."""
    if waiting >= batch_size or oldest.attempts:
        return -math.inf
    return oldest.arrived + delay_seconds


def retry_after_seconds(waiting: int, service_seconds: float, workers: int) -> int:
    """When a refused client may try again: by then about half of those that wait have been answered. 1 to 30."""
    seconds = waiting / 2 * service_seconds / max(1, workers)
    return max(1, min(30, math.ceil(seconds)))
