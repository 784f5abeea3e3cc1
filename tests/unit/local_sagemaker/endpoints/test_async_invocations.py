"""engine/endpoints/async_invocations.py over a model server that a test plays itself; results are files."""

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from local_sagemaker.engine.endpoints.async_invocations import AsyncInvocationReconciler
from local_sagemaker.engine.endpoints.async_run import AsyncRun
from local_sagemaker.engine.endpoints.routing import Route, RoutedServer, RoutedVariant, RoutingTable
from local_sagemaker.engine.loop import Background
from local_sagemaker.runtime.object_location import ObjectsUnreachable
from local_sagemaker.runtime.objects import Objects
from local_sagemaker.runtime.serving.capture_spool import CaptureSpool
from local_sagemaker.settings import Settings
from local_sagemaker.store import async_invocations as store
from local_sagemaker.store import endpoints
from local_sagemaker.store.async_invocations import AsyncInvocation
from local_sagemaker.store.database import Database
from local_sagemaker.store.deployments import Deployment
from local_sagemaker.store.endpoints import Endpoint
from tests.waiting import wait_for


class Model:
    """A model server of its own kind: holds requests back until `gate` is set, and counts what it sees at once."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.bodies: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        self.at_once = self.most_at_once = 0
        self.answers: list[tuple[int, dict[str, str], bytes]] = []
        self._lock = threading.Lock()
        model = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status, headers, content = model.answer(body, {k.lower(): v for k, v in self.headers.items()})
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(content))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def answer(self, body: bytes, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        with self._lock:
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
            self.bodies.append(body)
            self.headers.append(headers)
        assert self.gate.wait(60)
        with self._lock:
            self.at_once -= 1
            return self.answers.pop(0) if self.answers else (200, {"Content-Type": "text/plain"}, b"said " + body)

    def close(self) -> None:
        self.gate.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


class Engine:
    """The reconciler with all it needs, one endpoint, and the loop as `turn`."""

    def __init__(self, folder: Path, model: Model) -> None:
        settings = Settings(state_dir=folder)
        self.folder = folder
        self.database = Database(settings.database_path)
        self.routes = RoutingTable()
        self.server = RoutedServer(f"http://127.0.0.1:{model.server.server_port}/invocations", "AllTraffic/i-1")
        self.spool = CaptureSpool(settings.capture_dir, lambda: None)
        self.runs = Background(lambda: None)
        run = AsyncRun(settings, self.database, Objects("", settings.buckets_dir), self.spool)
        self.reconciler = AsyncInvocationReconciler(
            self.database, self.routes, self.runs, run, settings.async_invocations_dir
        )
        endpoint = Endpoint("later", "arn:later", "Creating", None, 0.0, 0.0, None, "d1")
        endpoints.insert(self.database, endpoint, Deployment("d1", "later", "config", 0.0, ()))
        endpoints.put_in_service(self.database, "later", 0.0)

    def publish(self, **route: Any) -> None:
        self.routes.publish("later", Route((RoutedVariant("AllTraffic", 1.0, (self.server,)),), **route))

    def accept(self, number: int, **changes: Any) -> AsyncInvocation:
        now = time.time()
        invocation = AsyncInvocation(
            id=f"id-{number}",
            inference_id=f"inference-{number}",
            endpoint_name="later",
            region="us-east-1",
            headers={"Content-Type": "text/csv"},
            input_location=None,
            body=b"%d" % number,
            output_location=f"file://{self.folder}/out/{number}",
            failure_location=f"file://{self.folder}/failed/{number}",
            accepted_at=now + number / 1000,
            expires_at=now + 600,
            timeout_seconds=60.0,
        )
        invocation = replace(invocation, **changes)
        store.insert(self.database, invocation)
        return invocation

    def turn(self) -> float | None:
        return self.reconciler.reconcile()

    def content(self, kind: str, number: int) -> bytes:
        """The object, as soon as it is there."""
        path = self.folder / kind / str(number)

        def found() -> bool:
            self.turn()
            return path.exists()

        wait_for(found, f"object {kind}/{number}")
        return path.read_bytes()


@pytest.fixture
def model() -> Iterator[Model]:
    found = Model()
    yield found
    found.close()


@pytest.fixture
def engine(tmp_path: Path, model: Model) -> Iterator[Engine]:
    found = Engine(tmp_path, model)
    yield found
    model.gate.set()
    found.runs.close()
    found.spool.close()


def test_a_model_server_is_given_one_at_a_time_in_the_order_of_arrival(engine: Engine, model: Model) -> None:
    for number in range(4):
        engine.accept(number)
    assert engine.turn() == 0.5  # nothing is published: they wait
    assert model.bodies == []
    engine.publish()
    engine.turn()
    wait_for(lambda: model.bodies, "request")
    engine.turn()
    model.gate.set()
    assert [engine.content("out", number) for number in range(4)] == [b"said %d" % number for number in range(4)]
    assert (model.most_at_once, model.bodies) == (1, [b"0", b"1", b"2", b"3"])
    assert model.headers[0]["content-type"] == "text/csv"
    assert float(model.headers[0]["x-model-server-timeout"]) == 60
    wait_for(lambda: engine.turn() is None, "end of all")  # nothing is left to look after
    assert store.endpoint_names(engine.database) == []
    assert engine.server.outstanding == 0


def test_one_that_waited_longer_than_its_ttl_expires(engine: Engine, model: Model) -> None:
    engine.accept(1, accepted_at=time.time() - 61, expires_at=time.time() - 1)
    assert engine.content("failed", 1) == b"The request expired: it waited 61 seconds, its RequestTTLSeconds."
    assert model.bodies == []


def test_one_that_was_begun_does_not_expire(engine: Engine, model: Model) -> None:
    engine.publish()
    engine.accept(1, expires_at=time.time() + 0.2)
    engine.turn()
    wait_for(lambda: model.bodies, "request")
    time.sleep(0.25)
    assert engine.turn() is None  # its end wakes the engine, which does not go round and round until then
    model.gate.set()
    assert engine.content("out", 1) == b"said 1"
    assert not (engine.folder / "failed").exists()


def test_an_expired_one_whose_failure_cannot_be_written_yet_is_tried_again_later(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts: list[float] = []

    def unreachable(*_: object, **__: object) -> None:
        attempts.append(time.monotonic())
        raise ObjectsUnreachable("not now")

    monkeypatch.setattr(Objects, "upload_file", unreachable)
    engine.accept(1, expires_at=time.time() - 1)
    wait_for(lambda: engine.turn() is not None and len(attempts) == 2, "second attempt")
    assert attempts[1] - attempts[0] > 0.9
    assert store.endpoint_names(engine.database) == ["later"]


def test_a_busy_or_restarting_server_is_tried_again(engine: Engine, model: Model) -> None:
    model.gate.set()
    model.answers = [(503, {"x-model-server-refusal": refusal}, b"{}") for refusal in ("queue-full", "never-started")]
    engine.publish()
    engine.accept(1)
    assert engine.content("out", 1) == b"said 1"
    assert model.bodies == [b"1", b"1", b"1"]


@pytest.mark.parametrize(
    ("status", "headers", "words"),
    [
        (500, {}, b'Received server error (500) from primary with message "oh no"'),
        (415, {}, b'Received client error (415) from primary with message "oh no"'),
        (504, {"x-model-server-refusal": "timeout"}, b"The model may take 60 seconds"),
    ],
)
def test_the_models_errors_are_failure_objects(
    engine: Engine, model: Model, status: int, headers: dict[str, str], words: bytes
) -> None:
    model.gate.set()
    model.answers = [(status, headers, b"oh no")]
    engine.publish()
    engine.accept(1)
    assert words in engine.content("failed", 1)
    wait_for(lambda: store.endpoint_names(engine.database) == [], "end")


def test_without_a_failure_path_the_log_tells(engine: Engine, model: Model, caplog: pytest.LogCaptureFixture) -> None:
    model.gate.set()
    model.answers = [(500, {}, b"oh no")]
    engine.publish()
    engine.accept(1, failure_location=None)
    wait_for(lambda: (engine.turn(), store.endpoint_names(engine.database) == [])[1], "end")
    assert "oh no" in caplog.text


def test_captured_like_other_invocations(engine: Engine, model: Model) -> None:
    model.gate.set()
    config = {
        "DestinationS3Uri": f"file://{engine.folder}/captured",
        "InitialSamplingPercentage": 100,
        "CaptureOptions": [{"CaptureMode": "InputAndOutput"}],
        "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv", "text/plain"]},
    }
    engine.publish(data_capture=config)
    engine.accept(1)
    engine.content("out", 1)
    wait_for(lambda: engine.turn() is None, "end of the run")
    (file,) = engine.spool.close()
    assert file.uri.startswith(f"file://{engine.folder}/captured/later/AllTraffic/")
    assert b'"data":"said 1","encoding":"CSV"' in file.path.read_bytes()


def test_what_another_process_left_half_received_is_removed(tmp_path: Path, model: Model) -> None:
    left = tmp_path / "async-invocations" / "id-9.out"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half")
    Engine(tmp_path, model)
    assert not left.exists()
