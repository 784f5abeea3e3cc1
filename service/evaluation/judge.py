"""The service's side of the process that judges jobs: started at first use, asked one question after the other."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from service.errors import EvaluationBusy, EvaluationFailed
from service.evaluation.messages import Answer, raised, receive, send
from service.settings import REPOSITORY_DIR

PROGRAM = "service.evaluation"
RETRY_AFTER = {"Retry-After": "5"}


@dataclass(frozen=True)
class Limits:
    """How many requests wait, how long each, and how long the process may be silent; seconds."""

    waiting: int = 8  # each holds a thread of FastAPI's pool, which has 40
    turn: float = 30.0
    answer: float = 90.0  # the process stops by itself after some 10 s; what hangs is killed


class Judge:
    """One process, and the queue in front of it. Thread-safe; every call blocks until it is answered."""

    def __init__(self, region: str, limits: Limits | None = None, program: str = PROGRAM) -> None:
        self._command = (program, region)
        self._limits = limits or Limits()
        self._turn = threading.Lock()
        self._count = threading.Lock()
        self._waiting = 0
        self._worker: _Worker | None = None
        self._closed = False

    @property
    def pid(self) -> int | None:
        """The process's id, None before the first question."""
        worker = self._worker
        return None if worker is None else worker.pid

    def ask(self, question: Mapping[str, Any]) -> Answer:
        """The answer to a question (service.evaluation.questions).

        A process that dies over it is started anew and asked once more.
        Raises EvaluationBusy, EvaluationFailed, and the Problem that the process itself answers.
        """
        with self._queued():
            members, content = self._exchange(question)
        if "problem" in members:
            raise raised(members["problem"])
        return Answer(members, content)

    def close(self) -> None:
        """End the process, whatever it does."""
        self._closed = True
        worker = self._worker
        if worker is not None:
            worker.kill()  # whoever waits for its answer is told, and gives the turn back
        with self._turn:
            self._drop()

    @contextmanager
    def _queued(self) -> Iterator[None]:
        with self._count:
            if self._waiting > self._limits.waiting:
                raise _busy(f"{self._waiting} requests wait for the process that judges jobs.")
            self._waiting += 1
        try:
            if not self._turn.acquire(timeout=self._limits.turn):
                raise _busy(f"The process that judges jobs was busy for {self._limits.turn:g} s.")
            try:
                yield
            finally:
                self._turn.release()
        finally:
            with self._count:
                self._waiting -= 1

    def _exchange(self, question: Mapping[str, Any]) -> tuple[dict[str, Any], bytes]:
        for _ in range(2):
            if self._closed:
                raise EvaluationFailed("The service is shutting down.", "Send the request again when it is up.")
            if self._worker is None:
                self._worker = _Worker(*self._command)
            try:
                return self._worker.answer(question, self._limits.answer)
            except TimeoutError:  # an OSError too
                self._drop()
                raise EvaluationFailed(
                    f"The process that judges jobs gave no answer within {self._limits.answer:g} s and was ended.",
                    "Try again; if it stays, S3 is slow, or the job's files are damaged: read the service's log.",
                ) from None
            except (EOFError, OSError):  # it was killed, or the kernel took its memory
                self._drop()
        raise EvaluationFailed(
            "The process that judges jobs ended twice over this request.",
            "Try again; if it stays, give the service more memory, or save fewer tensors whole (reductions).",
        )

    def _drop(self) -> None:
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.end()


class _Worker:
    """The process. Its standard input is what it is asked and its sign that the service lives."""

    def __init__(self, program: str, region: str) -> None:
        path = os.pathsep.join(filter(None, (str(REPOSITORY_DIR), os.environ.get("PYTHONPATH"))))
        asked, ask = os.pipe()
        hear, told = os.pipe()
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", program, region],
            env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
            stdin=asked,
            stdout=told,
        )
        os.close(asked)
        os.close(told)
        self._questions = Connection(ask, readable=False)
        self._answers = Connection(hear, writable=False)

    @property
    def pid(self) -> int:
        return self._process.pid

    def answer(self, question: Mapping[str, Any], seconds: float) -> tuple[dict[str, Any], bytes]:
        send(self._questions, question)
        if not self._answers.poll(seconds):
            raise TimeoutError
        return receive(self._answers)

    def kill(self) -> None:
        self._process.kill()  # it has nothing to save

    def end(self) -> None:
        self.kill()
        self._process.wait()
        for connection in (self._questions, self._answers):
            with suppress(OSError):
                connection.close()


def _busy(detail: str) -> EvaluationBusy:
    return EvaluationBusy(detail, "Send the request again after some seconds.", headers=RETRY_AFTER)
