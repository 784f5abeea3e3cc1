"""A process around one model: GET /ping and POST /invocations on a loopback port, as SageMaker asks of a container.

Started as `python -P -m local_sagemaker.runtime.model_server FOLDER` by runtime/serving_folder.py, which writes
FOLDER/serving.json. When the model is loaded, FOLDER/server.json (`{"pid", "port"}`, by rename) says where it listens.
"""

import asyncio
import json
import os
import socket
import sys
import traceback
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import uvicorn

from local_sagemaker.runtime import shim
from local_sagemaker.runtime.handler import Answer, Handler, Invocation, import_program
from local_sagemaker.runtime.serving_folder import REFUSAL_HEADER, Serving, ServingFolder

# Waiting requests hold their bodies (6 MiB each at most): 64 of them are 384 MiB.
MAX_WAITING = 64
EXIT_HUNG = 70
OWN_FOLDER = str(Path(__file__).parents[2])

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class ModelServer:
    """The ASGI application. One thread runs the model's functions, one request at a time."""

    def __init__(self, handler: Handler, thread: ThreadPoolExecutor, timeout_seconds: float) -> None:
        self._handler = handler
        self._thread = thread
        self._timeout_seconds = timeout_seconds
        self._pending = 0  # accepted, and neither answered nor timed out
        self._accepted = 0
        self._running: int | None = None  # which of the accepted ones the thread works on

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request."""
        route = (scope["method"], scope["path"])
        if route == ("GET", "/ping"):
            await _send(send, Answer(b"", headers={"content-type": "application/json"}))
        elif route == ("POST", "/invocations"):
            headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
            await _send(send, await self._answer(Invocation(await _body(receive), headers)))
        else:
            await _send(send, _problem(404, "NotFound", f"there is GET /ping and POST /invocations, no {route[1]}"))

    async def _answer(self, invocation: Invocation) -> Answer:
        if self._pending > MAX_WAITING:
            return _problem(503, "QueueFull", f"{MAX_WAITING} requests wait already", refusal="queue-full")
        self._pending += 1
        self._accepted += 1
        number = self._accepted
        loop = asyncio.get_running_loop()
        try:
            work = loop.run_in_executor(self._thread, self._invoke, number, invocation)
            return await asyncio.wait_for(work, self._timeout_seconds)
        except TimeoutError:
            if self._running == number:
                # Nothing can stop the thread. It gets as much time again, then the process gives way to a new one.
                loop.call_later(self._timeout_seconds, self._end_if_hung, number)
            message = f"the model did not answer within {self._timeout_seconds:g} seconds"
            return _problem(504, "Timeout", message, refusal="timeout")
        finally:
            self._pending -= 1

    def _invoke(self, number: int, invocation: Invocation) -> Answer:
        self._running = number
        try:
            return self._handler.invoke(invocation)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - the boundary to the model's own code
            return _failure(error)
        finally:
            self._running = None

    def _end_if_hung(self, number: int) -> None:
        if self._running == number:
            seconds = 2 * self._timeout_seconds
            print(f"an invocation still runs after {seconds:g} seconds: the model server is restarted", flush=True)  # noqa: T201
            os._exit(EXIT_HUNG)


def main(folder: ServingFolder) -> None:
    """Load the model, then serve until SIGTERM."""
    serving = folder.read_serving()
    _hide_own_folder()
    if serving.packages_dir.is_dir():
        sys.path.insert(0, str(serving.packages_dir))
    sys.path.insert(0, str(serving.code_dir))
    thread = ThreadPoolExecutor(1, thread_name_prefix="model")
    # Loaded by the thread that will use it: libraries keep things by thread.
    handler = thread.submit(_load, serving).result()
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
        port = listener.getsockname()[1]
        shim.write_json(str(folder.server_json), {"pid": os.getpid(), "port": port})
        print(f"model loaded, listening on 127.0.0.1:{port}", flush=True)  # noqa: T201 - the container's log
        config = uvicorn.Config(
            ModelServer(handler, thread, serving.timeout_seconds),
            interface="asgi3",
            lifespan="off",
            ws="none",
            access_log=False,
            log_config=None,
            server_header=False,
            date_header=False,
            # The client closes idle connections, so that it never sends on one that is being closed here.
            timeout_keep_alive=24 * 3600,
        )
        uvicorn.Server(config).run(sockets=[listener])


def _load(serving: Serving) -> Handler:
    try:
        return Handler(import_program(serving.code_dir, serving.program), serving.model_dir)
    except BaseException as error:  # noqa: BLE001 - the boundary to the model's own code, which may call sys.exit
        _print_traceback(error)
        os._exit(1)  # the log's last words are the model's own


def _hide_own_folder() -> None:
    """Take local_sagemaker's own folder off the path: a model's `import datasets` must not find a neighbour of ours."""
    sys.path[:] = [entry for entry in sys.path if entry != OWN_FOLDER]
    kept = [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry not in {OWN_FOLDER, ""}]
    os.environ.pop("PYTHONPATH", None)
    if kept:
        os.environ["PYTHONPATH"] = os.pathsep.join(kept)


def _failure(error: BaseException) -> Answer:
    """The answer for what the model's code raised: its own `status_code` when that is 400 to 599, else 500."""
    status = getattr(error, "status_code", None)
    if not isinstance(status, int) or not 400 <= status <= 599:
        status = 500
    if status >= 500:
        _print_traceback(error)
    else:
        print(f"{status} {type(error).__name__}: {error}", flush=True)  # noqa: T201 - the container's log
    return _problem(status, type(error).__name__, str(error))


def _print_traceback(error: BaseException) -> None:
    """The traceback from the model's own code on; all of it when none of that is there."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename.startswith((OWN_FOLDER, "<frozen importlib")):
        trace = trace.tb_next
    traceback.print_exception(type(error), error, trace or error.__traceback__)


def _problem(status: int, code: str, message: str, *, refusal: str | None = None) -> Answer:
    headers = {"content-type": "application/json", **({REFUSAL_HEADER: refusal} if refusal else {})}
    return Answer(json.dumps({"code": code, "message": message}).encode(), status, headers)


async def _body(receive: Receive) -> bytes:
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return parts[0] if len(parts) == 1 else b"".join(parts)


async def _send(send: Send, answer: Answer) -> None:
    headers: Mapping[str, str] = {**answer.headers, "content-length": str(len(answer.body))}
    encoded = [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": encoded})
    await send({"type": "http.response.body", "body": answer.body})


if __name__ == "__main__":
    main(ServingFolder(Path(sys.argv[1])))
