"""GET /metrics: what Prometheus scrapes."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Request, Response
from prometheus_client.exposition import choose_encoder

from service.observability.metrics import Metrics

router = APIRouter(tags=["health"])

EXAMPLE = """\
# HELP sagehound_http_requests_total Requests that are answered.
# TYPE sagehound_http_requests_total counter
sagehound_http_requests_total{method="POST",route="/predict",status="2xx"} 1027.0
# HELP sagehound_http_requests_in_flight Requests that are not answered yet.
# TYPE sagehound_http_requests_in_flight gauge
sagehound_http_requests_in_flight 3.0
"""
RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The metrics (docs/observability.md lists them).",
        "content": {
            "text/plain": {"schema": {"type": "string"}, "example": EXAMPLE},
            "application/openmetrics-text": {"schema": {"type": "string"}, "example": f"{EXAMPLE}# EOF\n"},
        },
    }
}


@router.get("/metrics", summary="Counters and histograms for Prometheus", response_class=Response, responses=RESPONSES)
def metrics(
    request: Request,
    accept: Annotated[str | None, Header(include_in_schema=False)] = None,
) -> Response:
    """In Prometheus' text format, or in OpenMetrics where the Accept header asks for it."""
    kept: Metrics = request.app.state.metrics
    encode, content_type = choose_encoder(accept or "")
    return Response(encode(kept.registry), headers={"Content-Type": content_type})
