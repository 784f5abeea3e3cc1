"""A worker: a process that loads the model and answers one request, or one batch, after the other.

Started by model_server/worker_process.py as `python -P -m model_server.worker FD FRONT_PID SERVING`. Its output is the
container's log. It ends with the front, whatever ends that.
"""

import ctypes
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from model_server.failures import failure, print_traceback
from model_server.handler import Handler
from model_server.messages import Answer, Invocation
from model_server.program import import_program
from model_server.serving import Serving
from model_server.worker_socket import FrontGone, WorkerSocket

PR_SET_PDEATHSIG = 1
PARENT_OF_PACKAGE = str(Path(__file__).parents[1])


class Worker:
    """The loop over requests."""

    def __init__(self, handler: Handler, front: WorkerSocket) -> None:
        self._handler = handler
        self._front = front

    def run(self) -> None:
        """Answer requests for ever. Raises FrontGone."""
        while True:
            header, bodies = self._front.receive()
            if header["kind"] != "run":
                continue  # cancelled after its end
            began = time.monotonic()
            requests: Sequence[Mapping[str, Any]] = header["requests"]
            invocations = [Invocation(body, request["headers"]) for request, body in zip(requests, bodies, strict=True)]
            for request, answer in zip(requests, self._answers(invocations), strict=True):
                self._send(request["id"], answer, began)

    def _answers(self, invocations: Sequence[Invocation]) -> Iterator[Answer | BaseException]:
        if len(invocations) > 1:
            yield from self._handler.invoke_batch(invocations)
            return
        try:
            answer: Answer | BaseException = self._handler.invoke(invocations[0])
        except BaseException as error:  # noqa: BLE001 - the boundary to the model's own code, which may call sys.exit
            answer = error
        yield answer

    def _send(self, request_id: int, answer: Answer | BaseException, began: float) -> None:
        told = answer if isinstance(answer, Answer) else failure(answer)
        if isinstance(told.body, bytes):
            self._front.send(_header(request_id, told, began), told.body)
        else:
            self._send_parts(request_id, told, told.body, began)

    def _send_parts(self, request_id: int, answer: Answer, parts: Iterator[bytes], began: float) -> None:
        """Pull the parts of an answer. What is raised before the first one still has a status to answer."""
        try:
            part = next(parts, None)
        except BaseException as error:  # noqa: BLE001 - the boundary to the model's own code, which may call sys.exit
            self._send(request_id, error, began)
            return
        self._front.send({**_header(request_id, answer, began), "more": True})
        broken = False
        try:
            while part is not None:
                self._front.send({"kind": "part", "id": request_id}, part)
                if self._front.cancelled(request_id):
                    break
                part = next(parts, None)
        except FrontGone:
            raise
        except BaseException as error:  # noqa: BLE001 - the boundary to the model's own code, which may call sys.exit
            print_traceback(error)
            broken = True
        finally:
            _close(parts)
        self._front.send({"kind": "end", "id": request_id, "seconds": time.monotonic() - began, "broken": broken})


def _header(request_id: int, answer: Answer, began: float) -> dict[str, Any]:
    return {
        "kind": "answer",
        "id": request_id,
        "status": answer.status,
        "headers": dict(answer.headers),
        "seconds": time.monotonic() - began,
        "more": False,
    }


def _close(parts: Iterator[bytes]) -> None:
    """End a generator that is not read to its end. What its own clean-up raises is told in the log, and no more."""
    close = getattr(parts, "close", None)
    if close is None:
        return
    try:
        close()
    except BaseException as error:  # noqa: BLE001 - the boundary to the model's own code, which may call sys.exit
        print_traceback(error)


def main(descriptor: int, front_pid: int, serving: Serving) -> None:
    """Load the model, say so, and answer until the front closes its end."""
    _end_with(front_pid)
    for signum in (signal.SIGTERM, signal.SIGINT):  # meant for the front; unlike SIG_IGN, not inherited by children
        signal.signal(signum, lambda *_: None)
    connection = socket.socket(fileno=descriptor)
    connection.set_inheritable(False)
    front = WorkerSocket(connection)
    _hide_own_folder()
    for folder in (serving.packages_dir, serving.code_dir):
        if folder is not None and (folder == serving.code_dir or folder.is_dir()):
            sys.path.insert(0, str(folder))
    worker = Worker(_load(serving), front)
    try:
        front.send({"kind": "ready"})
        worker.run()
    except FrontGone:
        return


def _end_with(front_pid: int) -> None:
    """Be killed when the front ends, also when it is killed itself."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != front_pid:  # it ended before the line above
        os._exit(1)


def _load(serving: Serving) -> Handler:
    try:
        return Handler(import_program(serving.code_dir, serving.program), serving.model_dir)
    except BaseException as error:  # noqa: BLE001 - the boundary to the model's own code, which may call sys.exit
        print_traceback(error)
        sys.stdout.flush()
        os._exit(1)  # the log's last words are the model's own


def _hide_own_folder() -> None:
    """Take the folder around this package off the path: a model's `import datasets` must not find a neighbour of it.

    It is the first of PYTHONPATH, where the front put it, unless the package is installed among the model's own.
    """
    first, *others = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    if first != PARENT_OF_PACKAGE:
        return
    sys.path.remove(PARENT_OF_PACKAGE)
    del os.environ["PYTHONPATH"]
    if any(others):
        os.environ["PYTHONPATH"] = os.pathsep.join(others)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), Serving.from_json(sys.argv[3]))
