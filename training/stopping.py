"""StopTrainingJob: SageMaker sends SIGTERM and waits two minutes."""

import signal
import threading
from types import FrameType


class StopRequested(Exception):
    """The job is to stop where it stands."""


class StopRequest:
    """Remembers a SIGTERM, so that work ends between two batches and nothing half-written stays."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def listen(self) -> None:
        """Take SIGTERM from here on instead of dying of it."""
        signal.signal(signal.SIGTERM, self._receive)

    def check(self) -> None:
        """Raise StopRequested once the signal has come."""
        if self._event.is_set():
            raise StopRequested

    def _receive(self, _signum: int, _frame: FrameType | None) -> None:
        self._event.set()
