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
from local_sagemaker.faults import Faults
from local_sagemaker.operations.context import Context
from local_sagemaker.settings import Settings
from local_sagemaker.store.database import Database
from local_sagemaker.wire.connection import Receive, Scope, Send
from local_sagemaker.wire.dispatch import Dispatcher, Operation
from local_sagemaker.wire.routing import DEFAULT_REGION
from local_sagemaker.wire.s3 import create_s3

logger = logging.getLogger(__name__)

STOP_SECONDS = 20.0


class App:
    """ASGI: lifespan and requests."""

    def __init__(
        self,
        settings: Settings,
        base_url: str | None = None,
        operations: Mapping[tuple[str, str], Operation] | None = None,
    ) -> None:
        self._settings = settings
        self._base_url = base_url or f"http://{reachable(settings.host)}:{settings.port}"
        self._operations = operations
        self._faults = Faults(settings.faults or "", {name for _, name in operations or _operations_table()})
        self._dispatcher: Dispatcher | None = None
        self._http: aiohttp.ClientSession | None = None
        self._engine: _RunningEngine | None = None
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
        operations = self._operations
        if operations is None:
            operations = _operations_table()
            self._engine = _RunningEngine(self._settings, database, wake_engine, self._base_url, self._faults)
            self._starting = asyncio.create_task(self._start_engine(self._engine))
        routes = self._engine.routes if self._engine is not None else RoutingTable()
        self._http = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0), auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar()
        )
        captures = self._engine.captures if self._engine is not None else None
        context = Context(self._settings, database, wake_engine, self._http, DEFAULT_REGION, routes, captures)
        self._dispatcher = Dispatcher(operations, context, s3, self._faults)

    async def _start_engine(self, engine: "_RunningEngine") -> None:
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


class _RunningEngine:
    """The loop with its reconcilers, each built here and nowhere else."""

    def __init__(
        self, settings: Settings, database: Database, wake_engine: threading.Event, base_url: str, faults: Faults
    ) -> None:
        from local_sagemaker.engine.endpoints.async_invocations import (  # noqa: PLC0415 - not wanted with a test's table
            THREADS,
            AsyncInvocationReconciler,
        )
        from local_sagemaker.engine.endpoints.async_run import AsyncRun  # noqa: PLC0415
        from local_sagemaker.engine.endpoints.captures import CaptureReconciler  # noqa: PLC0415
        from local_sagemaker.engine.endpoints.endpoints import EndpointReconciler  # noqa: PLC0415
        from local_sagemaker.engine.killing import Killer  # noqa: PLC0415
        from local_sagemaker.engine.loop import Background, Engine, Reconciler  # noqa: PLC0415
        from local_sagemaker.engine.training.jobs import TrainingJobReconciler  # noqa: PLC0415
        from local_sagemaker.engine.tuning.jobs import TuningJobReconciler  # noqa: PLC0415
        from local_sagemaker.runtime.objects import Objects  # noqa: PLC0415
        from local_sagemaker.runtime.serving.capture_spool import CaptureSpool  # noqa: PLC0415

        self._background = Background(wake_engine.set)
        self._objects = Objects(base_url, settings.buckets_dir)
        parts = (settings, database, self._background, self._objects)
        self._endpoints = EndpointReconciler(*parts)
        self.routes = self._endpoints.routes
        self.captures = CaptureSpool(settings.capture_dir, wake_engine.set)
        self._captures = CaptureReconciler(self.captures, self._background, self._objects)
        self._async_runs = Background(wake_engine.set, THREADS)
        run = AsyncRun(settings, database, self._objects, self.captures)
        self._async_invocations = AsyncInvocationReconciler(
            database, self.routes, self._async_runs, run, settings.async_invocations_dir
        )
        reconcilers: list[Reconciler] = [
            TuningJobReconciler(*parts),
            TrainingJobReconciler(*parts),
            self._endpoints,
            self._async_invocations,
            self._captures,
            Killer(settings, database, faults),
        ]
        self._engine = Engine(wake_engine, reconcilers)
        self._started = False
        self._stopping: threading.Thread | None = None

    def start(self) -> None:
        """Begin to reconcile."""
        self._started = True
        self._engine.start()

    async def stop(self, seconds: float) -> bool:
        """Stop everything within `seconds`; False when a long step was still under way then (it is repeated later)."""
        if self._stopping is None:
            self._stopping = threading.Thread(target=self._stop, name="stop engine", daemon=True)
            self._stopping.start()
        await asyncio.to_thread(self._stopping.join, seconds)
        return not self._stopping.is_alive()

    def _stop(self) -> None:
        if self._started:
            self._engine.stop()
        self._async_invocations.begin_close()
        self._endpoints.close()
        self._captures.close()
        self._objects.close()
        self._async_runs.close()
        self._background.close()


def _operations_table() -> Mapping[tuple[str, str], Operation]:
    from local_sagemaker.operations.table import OPERATIONS  # noqa: PLC0415 - tests inject a table of their own

    return OPERATIONS


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
