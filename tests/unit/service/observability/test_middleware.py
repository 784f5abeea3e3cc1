"""Every request has an id and is counted, whatever becomes of it."""

import asyncio
import json
import logging
import time
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from prometheus_client import CollectorRegistry
from starlette.routing import compile_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from openapi.generate import DOCUMENT_PATH
from service import request_id
from service.app import create_app
from service.domain.timings import Timings
from service.observability.access_log import LOGGER_NAME
from service.observability.exchange import Exchange
from service.observability.metrics import Metrics
from service.observability.middleware import ObservingMiddleware
from service.settings import Settings
from tests.unit.service.observability.asgi import Headers, ask, header, http_scope

MICROSECONDS = 1e-6


async def null_app(scope: Scope, receive: Receive, send: Send) -> None:
    """Reads the body and answers `{}`."""
    scope["route"] = SimpleNamespace(path_format="/predict")
    scope["timings"] = Timings("dog-breeds", 0.001, 0.0002, 0.0, 0.03)
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": b"{}"})


def observed(app: ASGIApp) -> tuple[ObservingMiddleware, CollectorRegistry]:
    """The app observed, and where it is counted."""
    metrics = Metrics()
    return ObservingMiddleware(app, metrics, traced=False), metrics.registry


def counted(registry: CollectorRegistry, method: str, route: str, status: str) -> float | None:
    """How many of these requests there were."""
    labels = {"method": method, "route": route, "status": status}
    return registry.get_sample_value("sagehound_http_requests_total", labels)


@pytest.fixture
def lines() -> Iterator[list[Exchange]]:
    """What the access log is told."""
    told: list[Exchange] = []

    class Keeper(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            told.append(record.exchange)  # type: ignore[attr-defined] # access_log.write puts it there

    logger, keeper = logging.getLogger(LOGGER_NAME), Keeper()
    logger.addHandler(keeper)
    logger.setLevel(logging.INFO)
    yield told
    logger.setLevel(logging.NOTSET)
    logger.removeHandler(keeper)


@pytest.mark.parametrize(("sent", "kept"), [(b"abc", True), (b"a b", False), (b"x" * 65, False), (b"", False)])
def test_the_id_of_the_client_is_kept_where_it_is_one(sent: bytes, *, kept: bool) -> None:
    seen: list[str | None] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(request_id.current.get())
        await null_app(scope, receive, send)

    answer = asyncio.run(ask(observed(app)[0], http_scope(headers=[(b"x-request-id", sent)])))
    (answered,) = header(answer, b"x-request-id")
    assert (answered == sent.decode()) is kept
    assert seen == [answered]
    assert request_id.PATTERN.fullmatch(answered)


@pytest.mark.parametrize(
    ("method", "path", "headers", "status", "route"),
    [
        ("GET", "/healthz", [], 200, "/healthz"),
        ("GET", "/nothing", [], 404, "unmatched"),
        ("GET", "/jobs/training/a/b/c", [], 404, "unmatched"),
        ("PATCH", "/jobs/training/dogs", [], 405, "/jobs/training/{name}"),
        ("GET", "/docs/assets/other", [], 422, "/docs/assets/{name}"),
        ("POST", "/jobs/training", [(b"content-length", b"9999999")], 413, "unmatched"),
        ("GET", "/healthz/", [], 307, "unmatched"),
        ("GET", "/breeds", [], 500, "/breeds"),  # nothing was opened for it
    ],
)
def test_every_answer_has_an_id_and_a_bounded_route(
    method: str, path: str, headers: Headers, status: int, route: str
) -> None:
    app = create_app(Settings())
    answer = asyncio.run(ask(app, http_scope(method, path, [*headers, (b"x-request-id", b"abc")])))
    assert answer[0]["status"] == status
    assert header(answer, b"x-request-id") == ["abc"]
    assert counted(app.state.metrics.registry, method, route, f"{status // 100}xx") == 1


def test_every_route_is_known_by_its_template(lines: list[Exchange]) -> None:
    app = create_app(Settings())
    paths: dict[str, dict[str, object]] = json.loads(DOCUMENT_PATH.read_text(encoding="utf-8"))["paths"]
    for template, methods in paths.items():
        _, _, convertors = compile_path(template)
        path = template.format(**dict.fromkeys(convertors, "a"))
        for method in methods:
            lines.clear()
            asyncio.run(ask(app, http_scope(method.upper(), path), b"\xff"))
            known = [line.route for line in lines] or [template]  # healthz and metrics are silent
            assert known == [template], method


def test_a_fault_is_logged_with_its_id_and_answered_with_it(caplog: pytest.LogCaptureFixture) -> None:
    answer = asyncio.run(ask(create_app(Settings()), http_scope(path="/breeds", headers=[(b"x-request-id", b"abc")])))
    body = json.loads(answer[1]["body"])
    assert body["status"] == 500
    assert body["request_id"] == "abc"
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert record.exc_info is not None


def test_a_fault_before_any_answer_reaches_the_server() -> None:
    async def broken(scope: Scope, receive: Receive, send: Send) -> None:
        raise ZeroDivisionError

    app, registry = observed(broken)
    with pytest.raises(ZeroDivisionError):
        asyncio.run(ask(app, http_scope()))
    assert registry.get_sample_value("sagehound_http_requests_in_flight") == 0
    assert counted(registry, "GET", "unmatched", "5xx") == 1


def test_an_answer_that_breaks_off_is_not_complete(lines: list[Exchange]) -> None:
    async def breaks_off(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        raise ZeroDivisionError

    asyncio.run(ask(observed(breaks_off)[0], http_scope()))
    assert [(line.status, line.complete, line.bytes_out) for line in lines] == [(200, False, 4)]


def test_a_client_that_leaves_is_nobodys_fault(lines: list[Exchange], caplog: pytest.LogCaptureFixture) -> None:
    async def leave() -> None:
        async def gone() -> Message:
            return {"type": "http.disconnect"}

        async def nowhere(message: Message) -> None:
            del message

        app = create_app(Settings())
        async with app.router.lifespan_context(app) as state:
            scope = http_scope("POST", "/predict", [(b"content-length", b"100")], state=dict(state or {}))
            await app(scope, gone, nowhere)
        assert counted(app.state.metrics.registry, "POST", "/predict", "4xx") == 1

    asyncio.run(leave())
    assert [(line.status, line.complete, line.problem) for line in lines] == [(499, False, None)]
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


def test_bytes_and_stages(lines: list[Exchange]) -> None:
    app, registry = observed(null_app)
    asyncio.run(ask(app, http_scope("POST", "/predict", [(b"user-agent", b"curl/8")]), b"12345"))
    (line,) = lines
    assert (line.bytes_in, line.bytes_out, line.user_agent, line.client) == (5, 2, "curl/8", "127.0.0.1")
    assert line.complete
    labels = {"endpoint": "dog-breeds", "stage": "model"}
    assert registry.get_sample_value("sagehound_prediction_stage_duration_seconds_sum", labels) == 0.03
    assert registry.get_sample_value("sagehound_upload_bytes_sum") == 5


def test_a_stream_is_in_flight_until_it_ends() -> None:
    async def follow() -> None:
        go_on = asyncio.Event()
        begun = asyncio.Event()

        async def stream(scope: Scope, receive: Receive, send: Send) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            begun.set()
            await go_on.wait()
            await send({"type": "http.response.body", "body": b"", "more_body": False})

        app, registry = observed(stream)
        task = asyncio.create_task(ask(app, http_scope()))
        await begun.wait()
        assert registry.get_sample_value("sagehound_http_requests_in_flight") == 1
        assert counted(registry, "GET", "unmatched", "2xx") is None
        go_on.set()
        await task
        assert registry.get_sample_value("sagehound_http_requests_in_flight") == 0
        assert counted(registry, "GET", "unmatched", "2xx") == 1

    asyncio.run(follow())


def test_a_cancelled_request_is_over() -> None:
    async def cancel() -> None:
        async def waits(scope: Scope, receive: Receive, send: Send) -> None:
            await asyncio.Event().wait()

        app, registry = observed(waits)
        task = asyncio.create_task(ask(app, http_scope()))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert registry.get_sample_value("sagehound_http_requests_in_flight") == 0

    asyncio.run(cancel())


def test_what_is_no_request_passes() -> None:
    seen: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["type"])

    async def nothing() -> Message:
        return {}

    async def nowhere(message: Message) -> None:
        del message

    middleware, registry = observed(app)
    asyncio.run(middleware({"type": "lifespan"}, nothing, nowhere))
    assert seen == ["lifespan"]
    assert registry.get_sample_value("sagehound_http_requests_in_flight") == 0


def test_what_a_request_pays() -> None:
    """A loose bound: 20 microseconds on a quiet machine, and this one may be anything but."""
    requests = 2000

    async def seconds(app: ASGIApp) -> float:
        scope = http_scope("POST", "/predict")
        began = time.process_time()
        for _ in range(requests):
            await ask(app, dict(scope))
        return (time.process_time() - began) / requests

    bare = min(asyncio.run(seconds(null_app)) for _ in range(3))
    watched = min(asyncio.run(seconds(observed(null_app)[0])) for _ in range(3))
    assert watched - bare < 150 * MICROSECONDS
