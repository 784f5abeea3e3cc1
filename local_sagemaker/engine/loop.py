"""One thread that brings what is closer to what was asked for, over and over.

Every resource has a reconciler: observe -> decide -> apply. Recovery after a crash is the same loop as normal running.
What takes long (copying data, packing a model) runs beside the loop and is repeated after a crash, so it must be
repeatable.
"""

import logging
import threading
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

logger = logging.getLogger(__name__)


class Background:
    """Long steps, at most one a key. A finished step is told once, by `poll`, then forgotten."""

    def __init__(self, wake: Callable[[], None], threads: int = 8) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="background")
        self._steps: dict[Hashable, Future[object]] = {}
        self.wake = wake  # the engine, from any thread

    def start(self, key: Hashable, step: Callable[[], object]) -> None:
        """Start `step` unless one with this key is under way."""
        if key not in self._steps:
            self._steps[key] = self._pool.submit(step)
            self._steps[key].add_done_callback(lambda _: self.wake())

    def poll(self, key: Hashable) -> Future[object] | None:
        """The finished step of this key, handed out once; None while it runs or was never started."""
        step = self._steps.get(key)
        if step is None or not step.done():
            return None
        return self._steps.pop(key)

    def running(self, key: Hashable) -> bool:
        """Whether a step of this key was started and not yet polled."""
        return key in self._steps

    def close(self) -> None:
        """Wait for what runs; start nothing that waits."""
        self._pool.shutdown(wait=True, cancel_futures=True)


@dataclass(frozen=True)
class Wait:
    """A decision: nothing is due; look again in `seconds`, or at the next wake-up."""

    seconds: float | None


class Reconciler(Protocol):
    """Brings one kind of resource closer to what was asked for."""

    def reconcile(self) -> float | None:
        """Do what is due. Answers in how many seconds to be called again; None when only a wake-up matters."""


class Engine:
    """The loop over all reconcilers, in a thread of its own."""

    def __init__(self, wake_up: threading.Event, reconcilers: Sequence[Reconciler]) -> None:
        self._wake_up = wake_up
        self._reconcilers = reconcilers
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)

    def start(self) -> None:
        """Begin to reconcile, first of all what an earlier process left."""
        self._thread.start()

    def stop(self) -> None:
        """End the loop after the round under way. Jobs go on under their shims."""
        self._stopping.set()
        self._wake_up.set()
        self._thread.join()

    def _run(self) -> None:
        while True:
            self._wake_up.clear()
            if self._stopping.is_set():  # looked at after that, for a stop in between would be slept over
                return
            delays = [self._reconcile(reconciler) for reconciler in self._reconcilers]
            self._wake_up.wait(min((delay for delay in delays if delay is not None), default=None))

    def _reconcile(self, reconciler: Reconciler) -> float | None:
        try:
            return reconciler.reconcile()
        except Exception:
            # A fault in one kind of resource must not stop the others; it is tried again, and logged each time.
            logger.exception("reconciling failed", extra={"reconciler": type(reconciler).__name__})
            return 1.0
