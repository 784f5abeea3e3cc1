"""Which model servers answer for which endpoint: published by the engine, read by every invocation.

It lives in memory alone. Whoever restarts observes the model servers that live and publishes them again.
"""

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(eq=False, slots=True)
class RoutedServer:
    """One living model server. `outstanding` counts the invocations that it has not answered yet."""

    url: str
    log_stream: str
    outstanding: int = 0


@dataclass(frozen=True)
class RoutedVariant:
    """A production variant: its share of the traffic and its servers; `least_loaded` False picks one at random."""

    name: str
    weight: float
    servers: tuple[RoutedServer, ...]
    least_loaded: bool = True


@dataclass(frozen=True)
class Route:
    """All variants of an endpoint in service."""

    variants: tuple[RoutedVariant, ...]


class NoSuchVariant(LookupError):
    """TargetVariant names no variant of the endpoint."""


class NoServer(LookupError):
    """The chosen variant has no living model server at present. The argument is the variant's name."""


class RoutingTable:
    """Routes by endpoint name, shared by the engine's thread and the event loop."""

    def __init__(self, draw: Callable[[], float] = random.random) -> None:
        self._routes: dict[str, Route] = {}
        # Choosing a server and counting the invocation is one step, so that a server seen idle after it left the
        # table gets no further invocation.
        self._lock = threading.Lock()
        self._draw = draw

    def publish(self, endpoint: str, route: Route | None) -> None:
        """From now on `endpoint` is answered by `route`; None takes it out of the table."""
        with self._lock:
            if route is None:
                self._routes.pop(endpoint, None)
            else:
                self._routes[endpoint] = route

    def route(self, endpoint: str) -> Route | None:
        """The published route, None when the endpoint is not in service."""
        return self._routes.get(endpoint)

    def acquire(self, endpoint: str, target_variant: str | None = None) -> tuple[RoutedVariant, RoutedServer] | None:
        """Choose a server and count an invocation for it; None when the endpoint is not in service.

        Every acquired server is given back with `release`. Raises NoSuchVariant and NoServer.
        """
        with self._lock:
            route = self._routes.get(endpoint)
            if route is None:
                return None
            variant = self._variant(route, target_variant)
            if not variant.servers:
                raise NoServer(variant.name)
            server = self._server(variant)
            server.outstanding += 1
            return variant, server

    def release(self, server: RoutedServer) -> None:
        """The invocation has ended, well or not."""
        with self._lock:
            server.outstanding -= 1

    def idle(self, server: RoutedServer) -> bool:
        """Whether no invocation is under way. Final for a server that is in no published route."""
        with self._lock:
            return server.outstanding == 0

    def _variant(self, route: Route, target: str | None) -> RoutedVariant:
        if target is not None:
            for variant in route.variants:
                if variant.name == target:
                    return variant
            raise NoSuchVariant(target)
        if len(route.variants) == 1:
            return route.variants[0]
        left = self._draw() * sum(variant.weight for variant in route.variants)
        for variant in route.variants:
            left -= variant.weight
            if left < 0:
                return variant
        return max(route.variants, key=lambda variant: variant.weight)  # rounding at the upper end

    def _server(self, variant: RoutedVariant) -> RoutedServer:
        if len(variant.servers) == 1:
            return variant.servers[0]
        if variant.least_loaded:
            return min(variant.servers, key=lambda server: server.outstanding)
        return variant.servers[int(self._draw() * len(variant.servers))]
