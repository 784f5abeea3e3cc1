"""A process around one model: GET /ping and POST /invocations on a loopback port, as SageMaker asks of a container.

Started as `python -P -m local_sagemaker.runtime.serving.model_server FOLDER` by runtime/serving/folder.py, which writes
FOLDER/serving.json. When the model is loaded, FOLDER/server.json (`{"pid", "port"}`, by rename) says where it listens.
"""

import asyncio
import logging
import os
import socket
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import uvicorn

from local_sagemaker.runtime import shim
from local_sagemaker.runtime.serving.folder import REFUSAL_HEADER, TIMEOUT_HEADER, Serving, ServingFolder
from local_sagemaker.runtime.serving.handler import Answer, Handler, Invocation, problem
from local_sagemaker.runtime.serving.handler_program import import_program
from local_sagemaker.runtime.serving.model_thread import OWN_FOLDER, ModelThread, PartsBroken, Work, print_traceback

# Waiting requests hold their bodies (6 MiB each at most): 64 of them are 384 MiB.
MAX_WAITING = 64
EXIT_HUNG = 70
_FRAMING = ("content-length", "transfer-encoding", "connection")

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class ModelServer:
    """The ASGI application over the model's thread."""

    def __init__(self, model: ModelThread, timeout_seconds: float) -> None:
        self._model = model
        self._timeout_seconds = timeout_seconds
        self._pending = 0  # accepted, and neither answered nor timed out

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request."""
        route = (scope["method"], scope["path"])
        if route == ("GET", "/ping"):
            await _send(send, Answer(b"", headers={"content-type": "application/json"}))
        elif route == ("POST", "/invocations"):
            headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
            seconds = float(headers.pop(TIMEOUT_HEADER, self._timeout_seconds))
            await self._invocations(Invocation(await _body(receive), headers), seconds, receive, send)
        else:
            await _send(send, problem(404, "NotFound", f"there is GET /ping and POST /invocations, no {route[1]}"))

    async def _invocations(self, invocation: Invocation, seconds: float, receive: Receive, send: Send) -> None:
        if self._pending > MAX_WAITING:
            full = f"{MAX_WAITING} requests wait already"
            await _send(send, problem(503, "QueueFull", full, **{REFUSAL_HEADER: "queue-full"}))
            return
        deadline = asyncio.get_running_loop().time() + seconds
        self._pending += 1
        try:
            work = self._model.submit(invocation)
            try:
                answer = await asyncio.wait_for(work.answered, seconds)
            except TimeoutError:
                answer = self._timed_out(work, seconds)
            await self._send_answer(answer, work, deadline, receive, send)
        finally:
            self._pending -= 1

    async def _send_answer(self, answer: Answer, work: Work, deadline: float, receive: Receive, send: Send) -> None:
        if isinstance(answer.body, bytes):
            await _send(send, answer)
            return
        client_left = asyncio.ensure_future(receive())
        try:
            async with asyncio.timeout_at(deadline):
                await send({"type": "http.response.start", "status": answer.status, "headers": _encoded(answer, None)})
                async for part in work.parts:
                    if client_left.done():
                        return
                    await send({"type": "http.response.body", "body": part, "more_body": True})
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        except TimeoutError:
            self._end_later_if_hung(work)
        except PartsBroken:
            return  # an answer without its end: the connection is closed, which says so
        finally:
            client_left.cancel()
            work.parts.close()

    def _timed_out(self, work: Work, seconds: float) -> Answer:
        if work.submitted is not None and work.submitted.cancel():
            message = f"{seconds:g} seconds were over before the model had answered the requests before this one"
            return problem(504, "Timeout", message, **{REFUSAL_HEADER: "never-started"})
        work.parts.close()
        self._end_later_if_hung(work)
        message = f"the model did not answer within {seconds:g} seconds"
        return problem(504, "Timeout", message, **{REFUSAL_HEADER: "timeout"})

    def _end_later_if_hung(self, work: Work) -> None:
        """Nothing can stop the thread. It gets some time more, then the process gives way to a new one."""
        asyncio.get_running_loop().call_later(self._timeout_seconds, self._end_if_hung, work)

    def _end_if_hung(self, work: Work) -> None:
        if self._model.running is work:
            seconds = self._timeout_seconds
            message = f"an invocation still runs {seconds:g} seconds after its time: the model server is restarted"
            print(message, flush=True)  # noqa: T201 - the container's log
            os._exit(EXIT_HUNG)


def main(folder: ServingFolder) -> None:
    """Load the model, then serve until SIGTERM."""
    serving = folder.read_serving()
    # An answer that breaks off is told by the model's own traceback.
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
    _hide_own_folder()
    if serving.packages_dir.is_dir():
        sys.path.insert(0, str(serving.packages_dir))
    sys.path.insert(0, str(serving.code_dir))
    model = ModelThread(lambda: _load(serving))
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
        port = listener.getsockname()[1]
        shim.write_json(str(folder.server_json), {"pid": os.getpid(), "port": port})
        print(f"model loaded, listening on 127.0.0.1:{port}", flush=True)  # noqa: T201 - the container's log
        config = uvicorn.Config(
            ModelServer(model, serving.timeout_seconds),
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
        print_traceback(error)
        os._exit(1)  # the log's last words are the model's own


def _hide_own_folder() -> None:
    """Take local_sagemaker's own folder off the path: a model's `import datasets` must not find a neighbour of ours."""
    sys.path[:] = [entry for entry in sys.path if entry != OWN_FOLDER]
    kept = [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry not in {OWN_FOLDER, ""}]
    os.environ.pop("PYTHONPATH", None)
    if kept:
        os.environ["PYTHONPATH"] = os.pathsep.join(kept)


async def _body(receive: Receive) -> bytes:
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return parts[0] if len(parts) == 1 else b"".join(parts)


async def _send(send: Send, answer: Answer) -> None:
    body = answer.body if isinstance(answer.body, bytes) else b""
    await send({"type": "http.response.start", "status": answer.status, "headers": _encoded(answer, len(body))})
    await send({"type": "http.response.body", "body": body})


def _encoded(answer: Answer, length: int | None) -> list[tuple[bytes, bytes]]:
    """The answer's headers; how long it is, is not the model's to say."""
    headers = {name: value for name, value in answer.headers.items() if name not in _FRAMING}
    if length is not None:
        headers["content-length"] = str(length)
    return [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in headers.items()]


if __name__ == "__main__":
    main(ServingFolder(Path(sys.argv[1])))
