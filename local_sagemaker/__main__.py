"""`python -m local_sagemaker`: the server on one port, its state in one folder, one process a folder."""

import argparse
import fcntl
import logging
import os
import socket
import sqlite3
import sys
from pathlib import Path
from typing import IO

import uvicorn
from pydantic import ValidationError
from pydantic_settings import BaseSettings

from local_sagemaker.app import App, create_app, reachable
from local_sagemaker.faults import BadFaults
from local_sagemaker.runtime.mount_namespace import CannotMount, is_mounted
from local_sagemaker.settings import Settings
from local_sagemaker.store.database import Database, NewerState


class Refused(Exception):
    """The server cannot start; the message says why and what to do."""


class Server(uvicorn.Server):
    """Tells when it listens, and stops the engine while requests are still answered."""

    def __init__(self, config: uvicorn.Config, app: App, ready: str) -> None:
        super().__init__(config)
        self._app = app
        self._ready = ready
        self.idle = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen, and say so."""
        await super().startup(sockets)
        print(self._ready, flush=True)  # noqa: T201 - whoever started this process waits for the line

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop the engine first: what it still transfers goes through this server."""
        self.idle = await self._app.stop_engine()
        await super().shutdown(sockets)


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; the exit status."""
    parser(Settings).parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        settings = read_settings()
        with lock(settings.state_dir):
            migrate(settings.database_path)
            return serve(settings)
    except Refused as refused:
        print(f"local_sagemaker: {refused}", file=sys.stderr)  # noqa: T201 - a command's message to its user
        return 1


def parser(settings: type[BaseSettings]) -> argparse.ArgumentParser:
    """The command line: no options, a list of the settings."""
    lines = [
        f"  {settings.model_config['env_prefix']}{name.upper()} (default {field.default})\n      {field.description}"
        for name, field in settings.model_fields.items()
    ]
    return argparse.ArgumentParser(
        prog="python -m local_sagemaker",
        description="SageMaker's wire API on one machine. Settings are environment variables:\n\n" + "\n".join(lines),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def read_settings() -> Settings:
    """The settings, with folders as absolute paths. Raises Refused naming each bad variable."""
    try:
        settings = Settings()
    except ValidationError as error:
        faults = [f"LOCAL_SAGEMAKER_{str(fault['loc'][0]).upper()}: {fault['msg']}" for fault in error.errors()]
        raise Refused("; ".join(faults)) from None
    try:
        is_mounted(settings.opt_ml)
    except CannotMount as error:
        raise Refused(f"LOCAL_SAGEMAKER_OPT_ML: {error}; set it to auto or moved") from None
    return settings.model_copy(update={"state_dir": settings.state_dir.absolute()})


def lock(state_dir: Path) -> IO[str]:
    """Make the state folder and hold it, as long as the file stays open. Raises Refused when another server does."""
    try:
        state_dir.mkdir(parents=True, exist_ok=True)
        file = (state_dir / "lock").open("a+")
    except OSError as error:
        raise Refused(f"the state folder {state_dir} cannot be used: {error}") from None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        holder = file.read().strip()
        file.close()
        raise Refused(
            f"another server (process {holder}) runs on the state folder {state_dir}; "
            "stop it, or set LOCAL_SAGEMAKER_STATE_DIR to another folder"
        ) from None
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file


def migrate(path: Path) -> None:
    """Bring the state to this version's schema. Raises Refused when it cannot be opened."""
    try:
        Database(path).connection.close()
    except NewerState as error:
        raise Refused(str(error)) from None
    except sqlite3.Error as error:
        raise Refused(
            f"the database {path} cannot be opened: {error}; free its disk, or set LOCAL_SAGEMAKER_STATE_DIR to"
            " another folder"
        ) from None


def listen(settings: Settings) -> socket.socket:
    """The listening socket. Raises Refused when the port is taken."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(2048)
    except OSError as error:
        raise Refused(
            f"cannot listen on {settings.host} port {settings.port}: {error.strerror}; "
            "set LOCAL_SAGEMAKER_PORT to another one (0 takes a free one)"
        ) from None
    return listener


def serve(settings: Settings) -> int:
    """Serve until told to stop."""
    listener = listen(settings)
    base_url = f"http://{reachable(settings.host)}:{listener.getsockname()[1]}"
    try:
        app = create_app(settings, base_url)
    except BadFaults as error:
        raise Refused(f"LOCAL_SAGEMAKER_FAULTS: {error}") from None
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        access_log=False,
        proxy_headers=False,
        log_config=None,
        log_level="warning",
        server_header=False,
        timeout_keep_alive=75,  # longer than boto3's and aiohttp's pools keep a connection idle
        timeout_graceful_shutdown=10,
    )
    server = Server(config, app, f"local_sagemaker listens on {base_url}, state in {settings.state_dir}")
    server.run(sockets=[listener])
    if not server.idle:
        # A long step (a download) goes on in its thread and would hold the process. It is repeated at the next start.
        logging.getLogger(__name__).warning("stopped in the middle of a transfer; it is repeated at the next start")
        logging.shutdown()
        os._exit(0)
    return 0 if server.started else 1


if __name__ == "__main__":
    sys.exit(main())
