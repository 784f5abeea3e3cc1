"""`python -m service.evaluation REGION`: the process that judges jobs. It ends with the service that started it."""

import os
import signal
import sys
import threading
import traceback
from multiprocessing.connection import Connection
from queue import SimpleQueue
from typing import Any

from service.aws.clients import Clients
from service.errors import InternalError, Problem
from service.evaluation.desk import Desk
from service.evaluation.messages import Answer, receive, send, told
from service.settings import Settings

NICENESS = 10  # requests to the service come first


def main() -> None:
    """Answer the questions that come on standard input, one after the other, until it ends."""
    questions, answers = Connection(os.dup(0), writable=False), Connection(os.dup(1), readable=False)
    os.dup2(2, 1)  # what a library prints belongs into the log, not between the answers
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the service too, which ends this process
    os.nice(NICENESS)
    asked: SimpleQueue[dict[str, Any]] = SimpleQueue()
    threading.Thread(target=_listen, args=(questions, asked), daemon=True).start()
    desk = Desk(Clients(Settings.model_validate({"region": sys.argv[1]})))
    while True:
        reply(answers, respond(desk, asked.get()))
        desk.tidy()


def respond(desk: Desk, question: dict[str, Any]) -> Answer:
    """The answer, or the Problem instead."""
    try:
        return desk.answer(question)
    except Problem as problem:
        return Answer({"problem": told(problem)})
    except Exception as error:  # noqa: BLE001 - whatever it is, the next question is answered
        return _defect(error)


def reply(answers: Connection, answer: Answer) -> None:
    """Send the answer, or what is wrong with it: JSON has no nan, for one."""
    try:
        send(answers, answer.members, answer.content)
    except (TypeError, ValueError) as error:  # nothing was sent
        send(answers, _defect(error).members)


def _defect(error: Exception) -> Answer:
    traceback.print_exception(error)
    failed = InternalError(
        f"The job cannot be judged: {type(error).__name__}: {error}", "Read the service's log; this is a defect."
    )
    return Answer({"problem": told(failed)})


def _listen(questions: Connection, asked: "SimpleQueue[dict[str, Any]]") -> None:
    """Runs beside the work, so that the end of the service ends this process in the middle of it."""
    while True:
        try:
            asked.put(receive(questions)[0])
        except (EOFError, OSError):
            os._exit(0)


if __name__ == "__main__":
    main()
