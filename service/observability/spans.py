"""What the service adds to the span that FastAPI makes of a request."""

from opentelemetry import trace
from starlette.types import Scope

from service.domain.timings import Timings
from service.errors import Problem


def describe(span: trace.Span, request_id: str, scope: Scope) -> None:
    """Tell the span its route, the request's id, the stages of a prediction, and the problem it ends with."""
    if not span.is_recording():
        return
    route = getattr(scope.get("route"), "path_format", None)
    if route is not None:  # FastAPI knows it only of routes that it calls in its own way
        span.update_name(f"{scope['method']} {route}")
        span.set_attribute("http.route", route)
    span.set_attribute("sagehound.request_id", request_id)
    timings: Timings | None = scope.get("timings")
    if timings is not None:
        span.set_attribute("sagehound.endpoint", timings.endpoint)
        stages = {"parse": timings.parse, "sign": timings.sign, "wait": timings.wait, "model": timings.model}
        # No spans of their own: several images are asked about at once, so the stages have no order.
        span.add_event("stages", {f"{stage}_ms": round(seconds * 1000, 3) for stage, seconds in stages.items()})
    problem: Problem | None = scope.get("problem")
    if problem is not None:
        span.set_attribute("sagehound.problem", problem.type_uri())


def trace_id(span: trace.Span) -> str | None:
    """The trace's id in hexadecimal, as a collector shows it."""
    context = span.get_span_context()
    return trace.format_trace_id(context.trace_id) if context.is_valid else None
