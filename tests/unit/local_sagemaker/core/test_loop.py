"""The loop: woken, never stopped by one fault; long steps one at a time."""

import logging
import threading
from collections.abc import Callable

import pytest

from local_sagemaker.engine.loop import Background, Engine


class Scripted:
    """A reconciler that does what it is told and counts its rounds."""

    def __init__(self, step: Callable[[], float | None]) -> None:
        self.step = step
        self.rounds = threading.Semaphore(0)

    def reconcile(self) -> float | None:
        """One round."""
        try:
            return self.step()
        finally:
            self.rounds.release()


def test_rounds_follow_the_delay_and_the_wake_up() -> None:
    wake_up = threading.Event()
    often, asleep = Scripted(lambda: 0.01), Scripted(lambda: None)
    engine = Engine(wake_up, [often, asleep])
    engine.start()
    assert all(asleep.rounds.acquire(timeout=5) for _ in range(3))  # the shortest delay counts
    often.step = lambda: None
    while asleep.rounds.acquire(timeout=0.1):
        pass
    wake_up.set()
    assert asleep.rounds.acquire(timeout=5)
    engine.stop()


def test_a_fault_is_logged_and_the_others_go_on(caplog: pytest.LogCaptureFixture) -> None:
    def boom() -> float:
        raise RuntimeError("boom")

    broken, sound = Scripted(boom), Scripted(lambda: 0.01)
    engine = Engine(threading.Event(), [broken, sound])
    with caplog.at_level(logging.ERROR):
        engine.start()
        assert all(sound.rounds.acquire(timeout=5) for _ in range(2))
        engine.stop()
    assert "boom" in caplog.text


def test_a_long_step_runs_once_and_is_told_once() -> None:
    woken, go, runs = threading.Event(), threading.Event(), []

    def step() -> str:
        go.wait(5)
        runs.append(1)
        return "done"

    background = Background(woken.set)
    background.start("key", step)
    background.start("key", step)
    assert background.running("key")
    assert background.poll("key") is None
    go.set()
    assert woken.wait(5)
    finished = background.poll("key")
    assert finished is not None
    assert finished.result() == "done"
    assert runs == [1]
    assert background.poll("key") is None
    background.close()


def test_a_step_that_raises_tells_its_error() -> None:
    woken = threading.Event()
    background = Background(woken.set)
    background.start("key", lambda: 1 / 0)
    assert woken.wait(5)
    finished = background.poll("key")
    assert finished is not None
    assert isinstance(finished.exception(), ZeroDivisionError)
    background.close()
