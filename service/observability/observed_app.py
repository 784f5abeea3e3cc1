"""A FastAPI app with the observing middleware around all of it."""

from typing import Any

from fastapi import FastAPI
from starlette.types import ASGIApp

from service.observability import tracing
from service.observability.metrics import Metrics
from service.observability.middleware import ObservingMiddleware


class ObservedApp(FastAPI):
    """Has its metrics in `state.metrics`. `options` are FastAPI's."""

    def __init__(self, traced: tracing.Tracing | None, **options: Any) -> None:
        super().__init__(telemetry=tracing.NOTHING if traced is None else traced.telemetry(), **options)
        self.state.metrics = Metrics()
        self._traced = traced is not None

    def build_middleware_stack(self) -> ASGIApp:
        """FastAPI's stack, observed from outside: added middleware would stand inside of its answer to faults."""
        return ObservingMiddleware(super().build_middleware_stack(), self.state.metrics, traced=self._traced)
