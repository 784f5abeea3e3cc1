"""Asynchronous invocations: each accepted one ends as a result or a failure object, whatever happens in between.

A model server works at one request at a time, so each is given one at a time, in the order in which they came. An
invocation whose end was not recorded, because this process or the model server was killed, is run again.
"""

import logging
import random
from pathlib import Path

from local_sagemaker import clock
from local_sagemaker.engine.endpoints.async_run import AsyncRun, TryLater
from local_sagemaker.engine.endpoints.routing import NoServer, Route, RoutedServer, RoutedVariant, RoutingTable
from local_sagemaker.engine.loop import Background
from local_sagemaker.runtime.serving.data_capture import is_sampled
from local_sagemaker.store import async_invocations as store
from local_sagemaker.store import endpoints
from local_sagemaker.store.async_invocations import AsyncInvocation
from local_sagemaker.store.database import Database

THREADS = 16
LOOK_AGAIN_SECONDS = 0.5

logger = logging.getLogger(__name__)


class AsyncInvocationReconciler:
    """Runs what InvokeEndpointAsync has accepted."""

    def __init__(self, database: Database, routes: RoutingTable, runs: Background, run: AsyncRun, folder: Path) -> None:
        """`runs` is for these alone: they may take an hour. `folder` holds what `run` has not uploaded yet."""
        self._database = database
        self._routes = routes
        self._runs = runs
        self._run = run
        self._running: dict[str, RoutedServer | None] = {}  # None: a failure object is written, no server is needed
        self._not_before: dict[str, float] = {}
        _empty(folder)

    def reconcile(self) -> float | None:
        """One round over all endpoints that are owed something."""
        now = clock.now()
        for id_ in list(self._running):
            self._finish(id_, now)
        for invocation in store.expired(self._database, now):
            if self._is_due(invocation, now):
                waited = now - invocation.accepted_at
                self._fail(invocation, f"The request expired: it waited {waited:.0f} seconds, its RequestTTLSeconds.")
        waiting = [self._serve(name, now) for name in store.endpoint_names(self._database)]
        expiry = store.next_expiry(self._database, now) if waiting else None
        delays = [LOOK_AGAIN_SECONDS] if any(waiting) else []
        return min([*delays, *([expiry - now] if expiry is not None else [])], default=None)

    def begin_close(self) -> None:
        """The model servers are about to be ended: what runs is run again after the next start."""
        self._run.closing = True

    def _finish(self, id_: str, now: float) -> None:
        finished = self._runs.poll(id_)
        if finished is None:
            return
        server = self._running.pop(id_)
        if server is not None:
            self._routes.release(server)
        self._not_before.pop(id_, None)
        error = finished.exception()
        if isinstance(error, TryLater):
            self._not_before[id_] = now + error.seconds
        elif error is not None:
            logger.error("an asynchronous invocation is tried again: %s", id_, exc_info=error)
            self._not_before[id_] = now + TryLater.seconds

    def _serve(self, endpoint_name: str, now: float) -> bool:
        """Hand invocations to idle model servers; whether some go on waiting."""
        endpoint = endpoints.find(self._database, endpoint_name)
        gone = endpoint is None or endpoint.status == "Deleting"
        unfinished = store.oldest(self._database, endpoint_name, len(self._running) + THREADS)
        waiting = [invocation for invocation in unfinished if invocation.id not in self._running]
        due = [invocation for invocation in waiting if self._is_due(invocation, now)]
        for invocation in due:
            if gone:
                self._fail(invocation, f"Endpoint {endpoint_name} was deleted before it answered the request.")
                continue
            found = self._idle_server(endpoint_name)
            if found is None:
                return True
            self._begin(invocation, *found)
        return len(due) < len(waiting)

    def _is_due(self, invocation: AsyncInvocation, now: float) -> bool:
        return invocation.id not in self._running and self._not_before.get(invocation.id, 0.0) <= now

    def _idle_server(self, endpoint_name: str) -> tuple[Route, RoutedVariant, RoutedServer] | None:
        route = self._routes.route(endpoint_name)
        if route is None:
            return None
        try:
            found = self._routes.acquire(endpoint_name)
        except NoServer:
            return None
        if found is None:
            return None
        variant, server = found
        if server.outstanding > 1:
            self._routes.release(server)
            return None
        return route, variant, server

    def _begin(self, invocation: AsyncInvocation, route: Route, variant: RoutedVariant, server: RoutedServer) -> None:
        config = route.data_capture
        captured = config if config is not None and is_sampled(config, random.random()) else None  # noqa: S311
        self._running[invocation.id] = server
        self._runs.start(invocation.id, lambda: self._run(invocation, variant, server, captured))

    def _fail(self, invocation: AsyncInvocation, message: str) -> None:
        self._running[invocation.id] = None
        self._runs.start(invocation.id, lambda: self._run.fail(invocation, message))


def _empty(folder: Path) -> None:
    """What an earlier process had received from models and not yet uploaded: it is asked for again."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir():
        path.unlink()
