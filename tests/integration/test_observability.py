"""One prediction, found again by its id: in the answer, the service's log, the endpoint's log, /metrics and a trace."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.http_client import http_client
from tests.integration import colour_model
from tests.integration.test_service_predict import BUCKET, DEADLINE_SECONDS, ENDPOINT, MODEL_DATA, picture, settled
from tests.local_server import LocalServer, boto_client, running_server
from tests.service_process import running_service
from tests.unit.service.observability.collector import Collector, attributes, collecting
from tests.waiting import wait_for

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SENT = {"X-Request-Id": "abc", "traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}


@dataclass
class Stack:
    """The processes, and a client of the service."""

    local_sagemaker: LocalServer
    collector: Collector
    rest: httpx.Client
    log: Path

    def lines(self, **members: object) -> list[dict[str, Any]]:
        """The lines of the service's log that have these members."""
        whole = self.log.read_text().rpartition("\n")[0]
        found = [json.loads(line) for line in whole.splitlines()]
        return [line for line in found if members.items() <= line.items()]

    def endpoint_lines(self) -> list[dict[str, Any]]:
        """The JSON lines of the endpoint's log group."""
        logs = boto_client(self.local_sagemaker, "logs")
        group = f"/aws/sagemaker/Endpoints/{ENDPOINT}"
        messages = [
            event["message"]
            for stream in logs.describe_log_streams(logGroupName=group)["logStreams"]
            for event in logs.get_log_events(
                logGroupName=group, logStreamName=stream["logStreamName"], startFromHead=True
            )["events"]
        ]
        return [json.loads(message) for message in messages if message.startswith("{")]

    def sample(self, name: str, **labels: str) -> float | None:
        """A value of /metrics."""
        for family in text_string_to_metric_families(self.rest.get("/metrics").text):
            for sample in family.samples:
                if sample.name == name and sample.labels == labels:
                    return float(sample.value)
        return None


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Everything started, and the default endpoint in service."""
    log = tmp_path_factory.mktemp("service") / "log"
    with running_server(tmp_path_factory.mktemp("state")) as server, collecting() as collector:
        s3 = boto_client(server, "s3")
        s3.create_bucket(Bucket=BUCKET)
        s3.put_object(Bucket=BUCKET, Key="first/output/model.tar.gz", Body=colour_model.artifact("first"))
        environment = {
            "PATH": "/usr/bin:/bin",
            "AWS_ENDPOINT_URL": server.base_url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
            "OTEL_BSP_SCHEDULE_DELAY": "100",
            "SAGEHOUND_PORT": "0",
            "SAGEHOUND_TRAINING_IMAGE": "training",  # spares the SDK's import
            "SAGEHOUND_INFERENCE_IMAGE": "inference",
        }
        with running_service(log, environment) as url, http_client(url) as rest:
            rest.post("/endpoints", json={"name": ENDPOINT, "model_data": MODEL_DATA}).raise_for_status()
            assert settled(rest, ENDPOINT)["status"] == "InService"
            yield Stack(server, collector, rest, log)


def test_a_prediction_is_found_everywhere_by_its_id(stack: Stack) -> None:
    answer = stack.rest.post("/predict", content=picture("Red setter"), headers=SENT)
    assert answer.status_code == 200, answer.text
    assert answer.headers["X-Request-Id"] == "abc"

    (line,) = wait_for(lambda: stack.lines(request_id="abc", path="/predict"), "line of the access log")
    assert line["logger"] == "sagehound.access"
    assert (line["status"], line["endpoint"], line["trace_id"]) == (200, ENDPOINT, TRACE)
    assert 0 < line["model_ms"] <= line["duration_ms"]

    def invoked() -> list[dict[str, Any]]:
        return [line for line in stack.endpoint_lines() if line.get("inference_id") == "abc"]

    (invocation,) = wait_for(invoked, "line in the endpoint's log", DEADLINE_SECONDS)
    assert invocation["status"] == 200

    requests = {"method": "POST", "route": "/predict", "status": "2xx"}
    assert stack.sample("sagehound_http_requests_total", **requests) == 1
    stage = {"endpoint": ENDPOINT, "stage": "model"}
    assert stack.sample("sagehound_prediction_stage_duration_seconds_count", **stage) == 1

    (span,) = wait_for(lambda: [span for span in stack.collector.spans if span["traceId"] == TRACE], "span")
    assert span["name"] == "POST /predict"
    assert span["parentSpanId"] == "00f067aa0ba902b7"
    assert attributes(span)["sagehound.endpoint"] == ENDPOINT
    (stages,) = span["events"]
    assert attributes(stages)["model_ms"] > 0


def test_what_aws_refuses_is_logged_with_its_id(stack: Stack) -> None:
    answer = stack.rest.get("/jobs/training/nobody", headers={"X-Request-Id": "lost"})
    assert answer.status_code == 404
    (line,) = wait_for(lambda: stack.lines(request_id="lost"), "line of the access log")
    assert line["route"] == "/jobs/training/{name}"
    assert line["problem"] == answer.json()["type"]
    assert "nobody" in line["detail"]
    assert answer.headers["X-Request-Id"] == "lost"
    labels = {"method": "GET", "route": "/jobs/training/{name}", "status": "4xx"}
    assert stack.sample("sagehound_http_requests_total", **labels) == 1
