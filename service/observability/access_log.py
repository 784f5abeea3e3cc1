"""One line a request: what it says, as members of a JSON object or as text for people."""

import json
import logging
import re
from typing import Any

from service.observability.exchange import Exchange

LOGGER_NAME = "sagehound.access"
QUIET_ROUTES = frozenset({"/healthz", "/metrics"})  # asked every few seconds; logged where they fail
MAX_CHARACTERS = 1024  # of what clients make up
PLAIN = re.compile(r"[!#-~]+")

logger = logging.getLogger(LOGGER_NAME)


def write(exchange: Exchange) -> None:
    """Log the request, unless nobody wants to know."""
    if not logger.isEnabledFor(logging.INFO) or (exchange.route in QUIET_ROUTES and exchange.status < 400):
        return
    # logger.info would look the caller up, which costs more than all the rest.
    logger.handle(logger.makeRecord(LOGGER_NAME, logging.INFO, "", 0, "", (), None, extra={"exchange": exchange}))


def members(exchange: Exchange) -> dict[str, Any]:
    """The members of a JSON line; times in milliseconds. What does not apply is left out."""
    said: dict[str, Any] = {
        "request_id": exchange.request_id,
        "method": exchange.method,
        "path": exchange.path[:MAX_CHARACTERS],
        "route": exchange.route,
        "status": exchange.status,
        "duration_ms": _milliseconds(exchange.seconds),
        "bytes_in": exchange.bytes_in,
        "bytes_out": exchange.bytes_out,
        "client": exchange.client,
    }
    if exchange.user_agent is not None:
        said["user_agent"] = exchange.user_agent[:MAX_CHARACTERS]
    if not exchange.complete:
        said["complete"] = False
    if exchange.timings is not None:
        said |= {"endpoint": exchange.timings.endpoint, **_stages(exchange)}
    if exchange.problem is not None:
        said["problem"] = exchange.problem.type_uri()
        said["title"] = exchange.problem.title
        said["detail"] = exchange.problem.detail[:MAX_CHARACTERS]
    if exchange.trace_id is not None:
        said["trace_id"] = exchange.trace_id
    return said


def text(exchange: Exchange) -> str:
    """`200 POST /predict 41.2 ms (parse 0.4, sign 0.1, wait 0, model 39.8)`, and the problem where there is one."""
    said = f"{exchange.status} {shown(exchange.method)} {shown(exchange.path)} {_milliseconds(exchange.seconds):g} ms"
    if exchange.timings is not None:
        stages = ", ".join(f"{name.removesuffix('_ms')} {value:g}" for name, value in _stages(exchange).items())
        said += f" ({stages})"
    if not exchange.complete:
        said += " broken off"
    if exchange.problem is not None:
        said += f" {exchange.problem.title}: {shown(exchange.problem.detail)}"
    return said


def shown(sent: str) -> str:
    """What a client sent, as it stands where it is one word of ASCII, else as a JSON string: never a second line."""
    clipped = sent[:MAX_CHARACTERS]
    return clipped if PLAIN.fullmatch(clipped) else json.dumps(clipped)


def _stages(exchange: Exchange) -> dict[str, float]:
    timings = exchange.timings
    if timings is None:
        return {}
    return {
        "parse_ms": _milliseconds(timings.parse),
        "sign_ms": _milliseconds(timings.sign),
        "wait_ms": _milliseconds(timings.wait),
        "model_ms": _milliseconds(timings.model),
    }


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 2)
