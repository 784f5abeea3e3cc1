"""Gives every request its id, times it, and hands what became of it to the metrics and the access log."""

import logging
from time import perf_counter

from opentelemetry import trace
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service import request_id
from service.observability import access_log, spans
from service.observability.exchange import CLIENT_LEFT, UNMATCHED, Exchange
from service.observability.metrics import Metrics

ANSWERED_ID = request_id.HEADER.encode()

logger = logging.getLogger("sagehound")


class ObservingMiddleware:
    """Stands outside of everything else, Starlette's handling of faults included."""

    def __init__(self, app: ASGIApp, metrics: Metrics, *, traced: bool) -> None:
        self.app = app
        self._metrics = metrics
        self._traced = traced

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on, and observe it once it is answered."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        observed = _Observed(scope, receive, send)
        request_id.current.set(observed.request_id)
        span = trace.get_current_span() if self._traced else None
        if span is not None:
            observed.span = span
        self._metrics.in_flight.inc()
        try:
            await self.app(scope, observed.receive, observed.send)
        except ClientDisconnect:
            pass  # known from what was received; nobody's fault
        except Exception:
            logger.exception("The service failed at %s %s", scope["method"], scope["path"])
            if not observed.status:
                observed.status = 500
                raise
            # Answered. Where the answer is not complete, the server closes the connection because nothing follows.
        finally:
            self._metrics.in_flight.dec()
            exchange = observed.exchange()
            self._metrics.observe(exchange)
            access_log.write(exchange)


class _Observed:
    """One request under way."""

    __slots__ = (
        "_agent", "_began", "_bytes_in", "_bytes_out", "_complete", "_receive", "_scope", "_send", "left", "request_id",
        "span", "status",
    )  # fmt: skip

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._began = perf_counter()
        self._scope = scope
        self._receive = receive
        self._send = send
        self._bytes_in = 0
        self._bytes_out = 0
        self._complete = False
        self._agent: bytes | None = None
        self.status = 0
        self.left = False
        self.span: trace.Span | None = None
        sent: str | None = None
        for name, value in scope["headers"]:
            if name == ANSWERED_ID:
                sent = value.decode("latin-1")
            elif name == b"user-agent":
                self._agent = value
        self.request_id = request_id.of(sent)

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self._bytes_in += len(message.get("body", b""))
        elif not self.status:  # the client went; what is answered now reaches nobody
            self.left = True
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = [*message.get("headers", ()), (ANSWERED_ID, self.request_id.encode())]
            message = {**message, "headers": headers}
            if self.span is not None:
                spans.describe(self.span, self.request_id, self._scope)
        elif message["type"] == "http.response.body":
            self._bytes_out += len(message.get("body", b""))
            self._complete = not message.get("more_body", False)
        await self._send(message)

    def exchange(self) -> Exchange:
        """What there is to tell, now that it is over."""
        scope = self._scope
        client = scope.get("client")
        return Exchange(
            request_id=self.request_id,
            method=scope["method"],
            path=scope["path"],
            route=getattr(scope.get("route"), "path_format", UNMATCHED),
            status=CLIENT_LEFT if self.left else self.status or CLIENT_LEFT,
            seconds=perf_counter() - self._began,
            bytes_in=self._bytes_in,
            bytes_out=self._bytes_out,
            complete=self._complete and not self.left,
            client=client[0] if client else None,
            user_agent=self._agent.decode("latin-1") if self._agent is not None else None,
            timings=scope.get("timings"),
            problem=None if self.left else scope.get("problem"),
            trace_id=spans.trace_id(self.span) if self.span is not None else None,
        )
