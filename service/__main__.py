"""`python -m service`: the REST front on settings.host and settings.port, one process."""

import asyncio
import contextlib
import errno
import logging
import socket
import sys
import threading
from collections.abc import Callable, Generator

import uvicorn
from pydantic import ValidationError

from service import steady_memory
from service.app import create_app
from service.aws import images
from service.errors import Problem
from service.observability import logs
from service.observability.log_writer import LogWriter
from service.observability.tracing import TracingNotSupported
from service.settings import Settings

BACKLOG = 2048
GRACEFUL_SECONDS = 30
DEFAULT_INSTANCE_TYPES = ("ml.m5.xlarge", "ml.m5.large")  # of jobs and of endpoints

logger = logging.getLogger("sagehound")


class Server(uvicorn.Server):
    """Does a slow thing beside its requests, once it answers them, and tells streams when to end."""

    def __init__(
        self, config: uvicorn.Config, then: Callable[[], None], leaving: asyncio.Event, log: LogWriter
    ) -> None:
        super().__init__(config)
        self._then = then
        self._leaving = leaving
        self._log = log

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer, and only then take CPU for what can wait."""
        await super().startup(sockets)
        threading.Thread(target=self._then, daemon=True).start()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the streams first: they would hold the service for as long as it waits for requests under way."""
        self._leaving.set()
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Write the log's last lines before the signal that ended the service ends the process."""
        with super().capture_signals():
            try:
                yield
            finally:
                self._log.close()


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. Exits with a message that says what to do when the address cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            sys.exit(f"Port {port} on {host} is taken. Stop what listens there, or set SAGEHOUND_PORT to another port.")
        sys.exit(f"Cannot listen on {host}, port {port}: {error}. Set SAGEHOUND_HOST and SAGEHOUND_PORT.")


def url_of(listening: socket.socket) -> str:
    """`http://127.0.0.1:8000`."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def prepare_images(settings: Settings) -> None:
    """Look the image URIs up while nobody waits for them; a failure is told to whoever needs one."""
    if settings.training_image and settings.inference_image:
        return
    with contextlib.suppress(Problem):
        images.prepare(settings, DEFAULT_INSTANCE_TYPES)


def main() -> None:
    """Serve until SIGINT or SIGTERM."""
    try:
        settings = Settings()
    except ValidationError as error:
        sys.exit(f"The settings are not right. {error}")
    listening = listen(settings.host, settings.port)
    try:
        app = create_app(settings)
    except TracingNotSupported as error:
        sys.exit(f"The settings are not right. {error}")
    log = logs.start(settings.access_log, app.state.metrics.log_lines_dropped.inc)
    logger.info("Sagehound listens on %s (Swagger UI: %s/docs)", url_of(listening), url_of(listening))

    def prepare() -> None:
        steady_memory.settle()
        prepare_images(settings)

    config = uvicorn.Config(
        app,
        loop="uvloop",
        http="httptools",
        timeout_graceful_shutdown=GRACEFUL_SECONDS,
        log_config=None,
        access_log=False,
    )
    Server(config, prepare, app.state.leaving, log).run(sockets=[listening])


if __name__ == "__main__":
    main()
