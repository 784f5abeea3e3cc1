"""Which model servers answer for which endpoint: published by the engine, read by every invocation.

It lives in memory alone. Whoever restarts observes the model servers that live and publishes them again.
"""

import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any


@dataclass(eq=False, slots=True)
class RoutedServer:
    """One living model server. `outstanding` counts the invocations that it has not answered yet."""

    url: str
    log_stream: str
    outstanding: int = 0


@dataclass(frozen=True)
class RoutedVariant:
    """A production variant: its share of the traffic and its servers; `least_loaded` False picks one at random.

    `serverless_concurrency` is MaxConcurrency; such a variant may have no server until it is asked for something.
    """

    name: str
    weight: float
    servers: tuple[RoutedServer, ...]
    least_loaded: bool = True
    serverless_concurrency: int | None = None


@dataclass(frozen=True)
class Route:
    """All variants of a deployment; AsyncInferenceConfig and DataCaptureConfig as given, None when there is none."""

    variants: tuple[RoutedVariant, ...]
    deployment_id: str = ""
    async_inference: Mapping[str, Any] | None = None
    data_capture: Mapping[str, Any] | None = None

    @cached_property
    def serverless_concurrency(self) -> int | None:
        """MaxConcurrency of the one variant, when it is serverless."""
        return self.variants[0].serverless_concurrency if self.variants else None


@dataclass(frozen=True)
class Traffic:
    """The route of an endpoint in service, and while it is updated the one to come, with its share (0 to 1)."""

    route: Route
    incoming: Route | None = None
    incoming_share: float = 0.0


@dataclass
class Demand:
    """The invocations of a serverless endpoint, those that wait for a model server included.

    `peak` is the most at once since the engine last asked; `last_at` (monotonic seconds) is when one came or ended.
    """

    endpoint: str
    current: int = 0
    peak: int = 0
    last_at: float = 0.0


class NoSuchVariant(LookupError):
    """TargetVariant names no variant of the endpoint."""


class NoServer(LookupError):
    """No variant that may answer has a living model server at present. The argument is a variant's name."""


class TooManyInvocations(Exception):
    """A serverless variant has its MaxConcurrency of invocations under way. The argument is that number."""


class RoutingTable:
    """Routes by endpoint name, shared by the engine's thread and the event loop."""

    def __init__(self, draw: Callable[[], float] = random.random, wake: Callable[[], None] = lambda: None) -> None:
        self._traffic: dict[str, Traffic] = {}
        self._demand: dict[str, Demand] = {}
        # Choosing a server and counting the invocation is one step, so that a server seen idle after it left the
        # table gets no further invocation.
        self._lock = threading.Lock()
        self._draw = draw
        self._wake = wake

    def publish(
        self, endpoint: str, route: Route | None, incoming: Route | None = None, incoming_share: float = 0.0
    ) -> None:
        """From now on `endpoint` is answered by `route`, and a share by `incoming`; None takes it out of the table."""
        with self._lock:
            if route is None:
                self._traffic.pop(endpoint, None)
            else:
                self._traffic[endpoint] = Traffic(route, incoming, incoming_share)

    def traffic(self, endpoint: str) -> Traffic | None:
        """What is published, None when the endpoint is not in service."""
        return self._traffic.get(endpoint)

    def route(self, endpoint: str) -> Route | None:
        """The published route, None when the endpoint is not in service."""
        found = self._traffic.get(endpoint)
        return None if found is None else found.route

    def arrive(self, endpoint: str) -> Demand | None:
        """An invocation has come, which is given to `leave` when it has its answer, or none.

        By this the engine knows when a serverless variant needs model servers; others are not counted, and answer
        None. Raises TooManyInvocations.
        """
        traffic = self._traffic.get(endpoint)
        if traffic is not None and traffic.route.serverless_concurrency is None:
            return None
        with self._lock:
            limit = None if traffic is None else traffic.route.serverless_concurrency
            demand = self._demand.setdefault(endpoint, Demand(endpoint))
            if limit is not None and demand.current >= limit:
                raise TooManyInvocations(limit)
            demand.current += 1
            demand.peak = max(demand.peak, demand.current)
            demand.last_at = time.monotonic()
        if traffic is not None and demand.current > sum(len(variant.servers) for variant in traffic.route.variants):
            self._wake()
        return demand

    def leave(self, demand: Demand | None) -> None:
        """The invocation for which `arrive` answered this has ended."""
        if demand is None:
            return
        with self._lock:
            demand.current -= 1
            demand.last_at = time.monotonic()
            if demand.current == 0 and demand.endpoint not in self._traffic:
                self._demand.pop(demand.endpoint, None)

    def take_demand(self, endpoint: str) -> Demand:
        """What is asked of the endpoint; the peak counts anew from here."""
        with self._lock:
            demand = self._demand.get(endpoint)
            if demand is None:
                return Demand(endpoint)
            found = replace(demand)
            demand.peak = demand.current
            return found

    def acquire(self, endpoint: str, target_variant: str | None = None) -> tuple[RoutedVariant, RoutedServer] | None:
        """Choose a server and count an invocation for it; None when the endpoint is not in service.

        Every acquired server is given back with `release`. Raises NoSuchVariant and NoServer.
        """
        with self._lock:
            traffic = self._traffic.get(endpoint)
            if traffic is None:
                return None
            variant = self._variant(traffic, target_variant)
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

    def _variant(self, traffic: Traffic, target: str | None) -> RoutedVariant:
        """A variant that has a server: the target, or one by weight. One without servers leaves its share to others."""
        routes = [traffic.route]
        if traffic.incoming is not None and traffic.incoming_share > 0:
            # The other one is second: it answers when what was drawn cannot.
            first = self._draw() < traffic.incoming_share
            routes = [traffic.incoming, traffic.route] if first else [traffic.route, traffic.incoming]
        for route in routes:
            answering = [
                variant
                for variant in route.variants
                if variant.servers and (variant.weight > 0 if target is None else variant.name == target)
            ]
            if answering:
                return self._by_weight(answering)
        named = [variant.name for route in routes for variant in route.variants if target in {None, variant.name}]
        if not named:
            raise NoSuchVariant(target)
        raise NoServer(named[0])

    def _by_weight(self, variants: Sequence[RoutedVariant]) -> RoutedVariant:
        if len(variants) == 1:
            return variants[0]
        left = self._draw() * sum(variant.weight for variant in variants)
        for variant in variants:
            left -= variant.weight
            if left < 0:
                return variant
        return max(variants, key=lambda variant: variant.weight)  # rounding at the upper end

    def _server(self, variant: RoutedVariant) -> RoutedServer:
        if len(variant.servers) == 1:
            return variant.servers[0]
        if variant.least_loaded:
            return min(variant.servers, key=lambda server: server.outstanding)
        return variant.servers[int(self._draw() * len(variant.servers))]
