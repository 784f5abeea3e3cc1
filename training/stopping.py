"""StopTrainingJob: SageMaker sends SIGTERM and waits two minutes."""

import signal
import threading
from types import FrameType
from typing import Protocol


class StopRequested(Exception):
    """The job is to stop where it stands."""


class Stop(Protocol):
    """What work asks between two batches."""

    def check(self) -> None:
        """Raise StopRequested where the job is to stop."""


class StopRequest:
    """Remembers a SIGTERM, so that work ends between two batches and nothing half-written stays."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def listen(self) -> None:
        """Take SIGTERM from here on instead of dying of it."""
        signal.signal(signal.SIGTERM, self._receive)

    def check(self) -> None:
        """Raise StopRequested once the signal has come."""
        if self.is_made:
            raise StopRequested

    @property
    def is_made(self) -> bool:
        """Whether the signal has come."""
        return self._event.is_set()

    def make(self) -> None:
        """Do as if it had come."""
        self._event.set()

    def _receive(self, _signum: int, _frame: FrameType | None) -> None:
        self._event.set()
