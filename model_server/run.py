"""The front's life: the listening socket, the event loop, the workers, and the end of them all."""

import asyncio
import json
import logging
import os
import signal
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from model_server.access_log import AccessLog
from model_server.arguments import Arguments
from model_server.dispatcher import Batching, Dispatcher
from model_server.fleet import Fleet
from model_server.front import Front
from model_server.request_queue import RequestQueue
from model_server.settings import Settings
from model_server.spawn import Child

BACKLOG = 2048


@dataclass(frozen=True)
class Workers:
    """How many there are, how one is started, and the first, which is."""

    count: int
    spawn: Callable[[int], Child]
    first: Child


def run(arguments: Arguments, settings: Settings, workers: Workers) -> int:
    """Serve until SIGTERM, or until the model cannot be loaded; the exit status, 1 when it could not serve."""
    # An answer that breaks off is told by the model's own traceback.
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
    family = socket.AF_INET6 if ":" in arguments.host else socket.AF_INET
    try:
        listener = socket.create_server((arguments.host, arguments.port), family=family, backlog=BACKLOG)
    except OSError as error:
        print(f"cannot listen on {arguments.host}:{arguments.port}: {error}", flush=True)  # noqa: T201 - as below
        return 1
    with listener:
        log = AccessLog() if settings.access_log else None
        main = _serve(arguments, settings, workers, listener, log)
        with asyncio.Runner(loop_factory=uvicorn.Config("", log_config=None).get_loop_factory()) as runner:
            return runner.run(main)


async def _serve(
    arguments: Arguments, settings: Settings, workers: Workers, listener: socket.socket, log: AccessLog | None
) -> int:
    loop = asyncio.get_running_loop()
    dispatcher = Dispatcher(
        RequestQueue(settings.queue_size, settings.queue_bytes),
        Batching(settings.batch_size, settings.batch_delay_seconds),
        arguments.timeout_seconds,
        loop,
    )
    server = uvicorn.Server(_config(Front(dispatcher, arguments.timeout_seconds, log)))
    failed = False

    def on_ready() -> None:
        port = listener.getsockname()[1]
        print(f"model loaded, listening on {arguments.host}:{port}", flush=True)  # noqa: T201 - the container's log
        if arguments.ready_file is not None:
            write_ready(arguments.ready_file, port)

    def on_failed() -> None:
        nonlocal failed
        failed = server.should_exit = True

    fleet = Fleet(workers.spawn, workers.count, dispatcher, on_ready=on_ready, on_failed=on_failed, loop=loop)
    fleet.start(workers.first)
    # uvicorn raises its signals anew when it has ended in order; the exit status is this function's to say.
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, lambda *_: None)
    await server.serve(sockets=[listener])
    await fleet.close()
    return 1 if failed else 0


def write_ready(path: Path, port: int) -> None:
    """Say by `{"pid", "port"}`, all at once, that the model server answers."""
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_text(json.dumps({"pid": os.getpid(), "port": port}))
    temporary.replace(path)


def _config(front: Front) -> uvicorn.Config:
    return uvicorn.Config(
        front,
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
