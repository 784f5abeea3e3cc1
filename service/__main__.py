"""`python -m service`: the REST front on settings.host and settings.port, one process."""

import errno
import socket
import sys

import uvicorn
from pydantic import ValidationError

from service.app import create_app
from service.settings import Settings

BACKLOG = 2048
GRACEFUL_SECONDS = 30


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


def main() -> None:
    """Serve until SIGINT or SIGTERM."""
    try:
        settings = Settings()
    except ValidationError as error:
        sys.exit(f"The settings are not right. {error}")
    listening = listen(settings.host, settings.port)
    sys.stdout.write(f"Sagehound listens on {url_of(listening)} (Swagger UI: {url_of(listening)}/docs)\n")
    sys.stdout.flush()
    config = uvicorn.Config(create_app(settings), timeout_graceful_shutdown=GRACEFUL_SECONDS)
    uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
