"""The server as an ASGI application: opens what lives as long as the process, starts the engine, dispatches.

The engine reads and writes objects through this very server, so it starts only once the server answers connections,
and it stops before the server does.
"""

import asyncio
import contextlib
import logging
import threading
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from local_sagemaker.engine.endpoints.routing import RoutingTable
from local_sagemaker.engine.running import RunningEngine
from local_sagemaker.faults import Faults
from local_sagemaker.operations.context import Context
from local_sagemaker.operations.table import OPERATIONS
from local_sagemaker.settings import Settings
from local_sagemaker.store.database import Database
from local_sagemaker.wire.connection import Receive, Scope, Send
from local_sagemaker.wire.dispatch import Dispatcher, Operation
from local_sagemaker.wire.routing import DEFAULT_REGION
from local_sagemaker.wire.s3 import create_s3

logger = logging.getLogger(__name__)

STOP_SECONDS = 20.0


class App:
    """ASGI: lifespan and requests. With `operations` of its own, as tests of the wire have, it runs no engine."""

    def __init__(
        self,
        settings: Settings,
        base_url: str | None = None,
        operations: Mapping[tuple[str, str], Operation] | None = None,
    ) -> None:
        self._settings = settings
        self._base_url = base_url or f"http://{reachable(settings.host)}:{settings.port}"
        self._operations = operations
        self._faults = Faults(settings.faults or "", {name for _, name in operations or OPERATIONS})
        self._dispatcher: Dispatcher | None = None
        self._http: aiohttp.ClientSession | None = None
        self._engine: RunningEngine | None = None
        self._starting: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI entry point."""
        if scope["type"] == "http" and self._dispatcher is not None:
            await self._dispatcher(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        else:
            raise RuntimeError(f"no {scope['type']} here, or the server runs without its lifespan")

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        await self.open()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def open(self) -> None:
        """Open the state; the engine follows as soon as the server listens."""
        wake_engine = threading.Event()
        s3 = create_s3(self._settings)
        database = Database(self._settings.database_path)
        if self._operations is None:
            self._engine = RunningEngine(self._settings, database, wake_engine, self._base_url, self._faults)
            self._starting = asyncio.create_task(self._start_engine(self._engine))
        routes = self._engine.routes if self._engine is not None else RoutingTable()
        self._http = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0), auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar()
        )
        captures = self._engine.captures if self._engine is not None else None
        context = Context(self._settings, database, wake_engine, self._http, DEFAULT_REGION, routes, captures)
        self._dispatcher = Dispatcher(self._operations or OPERATIONS, context, s3, self._faults)

    async def _start_engine(self, engine: RunningEngine) -> None:
        await _listening(self._base_url)
        engine.start()

    async def stop_engine(self) -> bool:
        """End the loop and the model servers; training jobs go on. Whether nothing of it runs any more."""
        if self._starting is not None:
            self._starting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._starting
        if self._engine is None:
            return True
        return await self._engine.stop(STOP_SECONDS)

    async def close(self) -> None:
        """Close what `open` opened."""
        await self.stop_engine()
        if self._http is not None:
            await self._http.close()


async def _listening(base_url: str) -> None:
    """Return once the server accepts connections."""
    url = urlsplit(base_url)
    while True:
        try:
            _, writer = await asyncio.open_connection(url.hostname, url.port)
        except OSError:
            await asyncio.sleep(0.02)
        else:
            writer.close()
            return


def reachable(host: str) -> str:
    """The host part of a URL under which a server on `host` is reached from this machine."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104 - a comparison
    return f"[{host}]" if ":" in host else host


def create_app(settings: Settings | None = None, base_url: str | None = None, **more: Any) -> App:
    """The application; `base_url` is this server's own URL where it is not the settings' host and port."""
    return App(settings or Settings(), base_url, **more)
