"""Spans of requests at a collector, and nothing of it where nobody asks."""

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from types import SimpleNamespace

import pytest
from opentelemetry.sdk.trace import TracerProvider
from starlette.types import Receive, Scope, Send

from service.app import create_app
from service.domain.timings import Timings
from service.errors import NotAnImage
from service.observability import propagation, tracing
from service.observability.metrics import Metrics
from service.observability.middleware import ObservingMiddleware
from service.observability.tracing import TracingNotSupported
from service.settings import REPOSITORY_DIR, Settings
from tests.unit.service.observability.asgi import ask, http_scope
from tests.unit.service.observability.collector import Collector, attributes, collecting

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{TRACE}-00f067aa0ba902b7-01".encode()
AT_COLLECTOR = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the machine is set to is not the test's."""
    for name in os.environ:
        if name.startswith("OTEL_"):
            monkeypatch.delenv(name)


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    """A collector that the environment names."""
    with collecting() as found:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", found.url)
        yield found


async def told(path: str, headers: list[tuple[bytes, bytes]], method: str = "GET") -> None:
    """Ask an app once, from its start to its end."""
    app = create_app(Settings())
    async with app.router.lifespan_context(app) as state:
        await ask(app, http_scope(method, path, headers, state=dict(state or {})))


@pytest.mark.parametrize(
    ("environment", "wanted"),
    [
        ({}, False),
        ({"OTEL_SERVICE_NAME": "dogs"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": " "}, False),
        (AT_COLLECTOR, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://collector.example/v1/traces"}, True),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, True),
        ({"OTEL_TRACES_EXPORTER": "none"}, False),
        ({**AT_COLLECTOR, "OTEL_TRACES_EXPORTER": "none"}, False),
        ({**AT_COLLECTOR, "OTEL_SDK_DISABLED": "true"}, False),
        ({**AT_COLLECTOR, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/json"}, True),
    ],
)
def test_when_spans_are_wanted(environment: Mapping[str, str], *, wanted: bool) -> None:
    assert tracing.is_wanted(environment) is wanted


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"OTEL_TRACES_EXPORTER": "console"}, "OTEL_TRACES_EXPORTER is 'console'; the service knows otlp and none."),
        ({"OTEL_TRACES_EXPORTER": "otlp,console"}, "knows otlp and none"),
        ({**AT_COLLECTOR, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "http/json only"),
        ({**AT_COLLECTOR, "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf"}, "http/json only"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4318"}, "such as http://127.0.0.1:4318"),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://"}, "such as http://127.0.0.1:4318"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:port"}, "such as http://127.0.0.1:4318"),
    ],
)
def test_what_cannot_be_done_is_said(environment: Mapping[str, str], said: str) -> None:
    with pytest.raises(TracingNotSupported, match=said.replace(".", r"\.")):
        tracing.is_wanted(environment)


def test_a_request_is_a_span_of_the_clients_trace(collector: Collector) -> None:
    asyncio.run(told("/docs/assets/other", [(b"traceparent", TRACEPARENT), (b"x-request-id", b"abc")]))
    (span,) = collector.spans
    assert span["traceId"] == TRACE
    assert span["parentSpanId"] == "00f067aa0ba902b7"
    assert span["name"] == "GET /docs/assets/{name}"
    assert attributes(span).items() >= {
        "http.request.method": "GET",
        "http.route": "/docs/assets/{name}",
        "http.response.status_code": "422",
        "url.path": "/docs/assets/other",
        "url.scheme": "http",
        "sagehound.request_id": "abc",
        "sagehound.problem": "urn:sagehound:problem:invalid-request",
    }.items()  # fmt: skip
    assert collector.resource["service.name"] == "sagehound"


def test_the_service_may_have_another_name(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "kennel")
    asyncio.run(told("/docs", []))
    assert collector.resource["service.name"] == "kennel"


def test_probes_are_not_traced(collector: Collector) -> None:
    asyncio.run(told("/healthz", []))
    assert collector.spans == []


def test_a_fault_is_an_error_of_its_span(collector: Collector) -> None:
    async def fail() -> None:
        app = create_app(Settings())
        async with app.router.lifespan_context(app):
            await ask(app, http_scope(path="/breeds"))  # without what the lifespan opened

    asyncio.run(fail())
    (span,) = collector.spans
    assert attributes(span)["http.response.status_code"] == "500"
    assert attributes(span)["error.type"] == "AttributeError"
    assert span["status"]["code"] == 2


def test_stages_are_an_event_and_the_trace_goes_on() -> None:
    passed_on: list[Mapping[str, str]] = []
    provider = TracerProvider(shutdown_on_exit=False)

    async def predicts(scope: Scope, receive: Receive, send: Send) -> None:
        scope["route"] = SimpleNamespace(path_format="/endpoints/{name}/predict")
        passed_on.append(propagation.outgoing_headers())
        scope["timings"] = Timings("dog-breeds", parse=0.001, sign=0.0002, wait=0.0, model=0.03)
        scope["problem"] = NotAnImage("a", "b")
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    app = ObservingMiddleware(predicts, Metrics(), traced=True)
    with provider.get_tracer("test").start_as_current_span("POST") as span:
        asyncio.run(ask(app, http_scope("POST", "/predict")))
    context = span.get_span_context()
    ids = f"{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"
    assert passed_on == [{"X-Amzn-SageMaker-Custom-Attributes": f"traceparent=00-{ids}"}]
    assert span.name == "POST /endpoints/{name}/predict"  # type: ignore[attr-defined] # of the SDK's span
    (event,) = span.events  # type: ignore[attr-defined] # of the SDK's span
    assert event.name == "stages"
    assert event.attributes == {"parse_ms": 1.0, "sign_ms": 0.2, "wait_ms": 0.0, "model_ms": 30.0}


def test_without_a_trace_nothing_goes_on() -> None:
    assert propagation.outgoing_headers() == {}


def test_a_collector_that_is_not_there_costs_no_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracing, "FLUSH_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:  # accepts, and never answers
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}")
        monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "1")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "2")  # so that its thread ends with the test
        began = time.monotonic()
        asyncio.run(told("/docs", []))
        assert time.monotonic() - began < 2.0


def test_without_its_variables_the_sdk_is_not_imported() -> None:
    code = "import sys; from service.app import create_app; create_app(); print('opentelemetry.sdk' in sys.modules)"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY_DIR, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"
