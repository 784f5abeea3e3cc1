"""OpenTelemetry, where its variables ask for it: spans go to a collector as OTLP over HTTP, in JSON.

FastAPI makes the span of a request. The SDK is imported only here, and only when it is needed.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from fastapi.telemetry import TelemetryConfig

SERVICE_NAME = "sagehound"
UNTRACED_PATHS = frozenset({"/healthz", "/metrics"})
FLUSH_SECONDS = 5.0
ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
EXPORTER = "OTEL_TRACES_EXPORTER"
NOTHING: TelemetryConfig = {"auto_configure": False, "tracing": False, "metrics": False, "logs": False}


class TracingNotSupported(ValueError):
    """The OTEL_* variables ask for what the service cannot do; the message says what it can."""


class Tracing:
    """The spans of one app. They begin to be sent with `exporting`."""

    def __init__(self) -> None:
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 - a tenth of a second
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415

        resource = Resource.create()  # OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES
        if str(resource.attributes.get("service.name", "")).startswith("unknown_service"):
            resource = resource.merge(Resource({"service.name": SERVICE_NAME}))
        self.provider = TracerProvider(resource=resource, shutdown_on_exit=False)

    def telemetry(self) -> TelemetryConfig:
        """What FastAPI is to trace: requests, none of its own steps, and no probes."""
        return {
            **NOTHING,
            "tracing": True,
            "tracer_provider": self.provider,
            "operation_spans": False,
            "exclude": lambda scope: scope.get("path") in UNTRACED_PATHS,
        }

    @asynccontextmanager
    async def exporting(self) -> AsyncIterator[None]:
        """Send spans in the background; at the end send the last ones, within five seconds.

        A collector that does not answer costs spans (the oldest of more than 2,048 that wait), never a request.
        """
        from opentelemetry.exporter.otlp.json.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

        self.provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        try:
            yield
        finally:
            # The SDK would wait for a silent collector for half a minute.
            ending = threading.Thread(target=self.provider.shutdown, name="last-spans", daemon=True)
            ending.start()
            await asyncio.to_thread(ending.join, FLUSH_SECONDS)


def from_environment(environment: Mapping[str, str]) -> Tracing | None:
    """Tracing as the OTEL_* variables want it; None where they want none. Raises TracingNotSupported."""
    return Tracing() if is_wanted(environment) else None


def is_wanted(environment: Mapping[str, str]) -> bool:
    """Whether spans are to be sent. Raises TracingNotSupported for what cannot be done."""
    given = {name: value.strip() for name, value in environment.items() if name.startswith("OTEL_") and value.strip()}
    exporter = given.get(EXPORTER, "otlp").lower()
    if given.get("OTEL_SDK_DISABLED", "").lower() == "true" or exporter == "none":
        return False
    if not any(name in given for name in (*ENDPOINTS, EXPORTER)):
        return False
    if exporter != "otlp":
        raise TracingNotSupported(f"{EXPORTER} is {given[EXPORTER]!r}; the service knows otlp and none.")
    for name in PROTOCOLS:
        if given.get(name, "http/json") != "http/json":
            raise TracingNotSupported(
                f"{name} is {given[name]!r}; the service sends spans as http/json only. Leave the variable out, and "
                "name the collector's HTTP port (4318 by default)."
            )
    for name in ENDPOINTS:
        if name in given and not _is_http(given[name]):
            raise TracingNotSupported(
                f"{name} is {given[name]!r}; it has to be the URL of a collector, such as http://127.0.0.1:4318."
            )
    return True


def _is_http(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
