"""What is counted, under a bounded number of labels, and that the document lists it."""

import asyncio
import json
import re

import pytest
from prometheus_client import CollectorRegistry, Metric
from prometheus_client.parser import text_string_to_metric_families

from openapi.generate import DOCUMENT_PATH
from service.app import create_app
from service.domain.timings import Timings
from service.errors import NotAnImage
from service.observability import metrics
from service.observability.metrics import Metrics
from service.settings import REPOSITORY_DIR, Settings
from tests.unit.service.observability.asgi import ask, header, http_scope
from tests.unit.service.observability.exchanges import prediction

DOCUMENT = REPOSITORY_DIR / "docs" / "observability.md"
ROW = re.compile(r"^\| `([a-z_]+)` \| (counter|gauge|histogram) \| (.*?) ?\| (.*) \|$", re.MULTILINE)
STAGE_COUNT = "sagehound_prediction_stage_duration_seconds_count"


def families(registry: CollectorRegistry) -> dict[str, Metric]:
    """What is there, whether counted already or not."""
    return {family.name: family for family in registry.collect()}


def stages_of(registry: CollectorRegistry, endpoint: str) -> dict[str, float | None]:
    """How often each stage was observed."""
    return {
        stage: registry.get_sample_value(STAGE_COUNT, {"endpoint": endpoint, "stage": stage})
        for stage in metrics.STAGES
    }


def test_the_document_lists_every_metric_and_no_other() -> None:
    counted = Metrics()
    counted.observe(prediction(problem=NotAnImage("a text", "send an image")))
    listed = {name: (kind, tuple(re.findall(r"`(\w+)`", labels)), words) for name, kind, labels, words in
              ROW.findall(DOCUMENT.read_text(encoding="utf-8"))}  # fmt: skip
    found = {}
    for name, family in families(counted.registry).items():
        labels = {label: None for sample in family.samples for label in sample.labels if label != "le"}
        found[name] = (family.type, tuple(labels), family.documentation)
    assert listed == found


def test_two_apps_count_apart() -> None:
    one, other = Metrics(), Metrics()
    one.observe(prediction())
    assert one.registry.get_sample_value("sagehound_upload_bytes_count") == 1
    assert other.registry.get_sample_value("sagehound_upload_bytes_count") == 0


def test_methods_are_bounded() -> None:
    counted = Metrics()
    for method in ("BREW", "PROPFIND", "X" * 100):
        counted.observe(prediction(method=method))
    labels = {"method": "other", "route": "/predict", "status": "2xx"}
    assert counted.registry.get_sample_value("sagehound_http_requests_total", labels) == 3


def test_made_up_endpoints_have_no_labels_of_their_own() -> None:
    counted = Metrics()
    for number in range(3):
        counted.observe(prediction(status=404, timings=Timings(f"made-up-{number}", model=0.01)))
    assert stages_of(counted.registry, "made-up-0")["model"] is None
    assert stages_of(counted.registry, metrics.OTHER_ENDPOINT)["model"] == 3


def test_endpoints_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "MAX_ENDPOINTS", 5)
    counted = Metrics()
    for number in range(25):
        counted.observe(prediction(timings=Timings(f"dogs-{number}", model=0.01)))
    names = {sample.labels["endpoint"] for family in counted.registry.collect() for sample in family.samples
             if "endpoint" in sample.labels}  # fmt: skip
    assert len(names) == 5 + 1
    assert stages_of(counted.registry, metrics.OTHER_ENDPOINT)["model"] == 20


def test_of_a_failure_only_the_stages_that_it_came_to() -> None:
    counted = Metrics()
    counted.observe(prediction())
    counted.observe(prediction(status=415, timings=Timings("dog-breeds", parse=0.001)))
    counted.observe(prediction(status=504, timings=Timings("dog-breeds", parse=0.001, sign=0.001, model=65.0)))
    assert stages_of(counted.registry, "dog-breeds") == {"parse": 3, "sign": 2, "wait": 1, "model": 2}


def test_uploads_are_those_of_images() -> None:
    counted = Metrics()
    counted.observe(prediction(route="/jobs/training", timings=None))
    counted.observe(prediction(bytes_in=0))
    counted.observe(prediction(route="/endpoints/{name}/predictions", timings=None))
    assert counted.registry.get_sample_value("sagehound_upload_bytes_count") == 1


def test_upload_routes_exist() -> None:
    assert set(json.loads(DOCUMENT_PATH.read_text(encoding="utf-8"))["paths"]) >= metrics.UPLOAD_ROUTES


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        (b"*/*", "text/plain; version=0.0.4; charset=utf-8"),
        (
            b"application/openmetrics-text; version=1.0.0, text/plain;q=0.5",
            "application/openmetrics-text; version=1.0.0",
        ),
    ],
)
def test_metrics_are_answered_in_the_format_that_is_asked_for(accept: bytes, content_type: str) -> None:
    app = create_app(Settings())
    asyncio.run(ask(app, http_scope(path="/healthz")))
    answer = asyncio.run(ask(app, http_scope(path="/metrics", headers=[(b"accept", accept)])))
    assert header(answer, b"content-type")[0].startswith(content_type)
    text = answer[1]["body"].decode()
    if content_type.startswith("text"):
        names = {family.name for family in text_string_to_metric_families(text)}
        assert {"sagehound_http_requests", "process_cpu_seconds", "sagehound_log_lines_dropped"} <= names
    else:
        assert text.endswith("# EOF\n")
    assert 'sagehound_http_requests_total{method="GET",route="/healthz",status="2xx"} 1.0' in text
