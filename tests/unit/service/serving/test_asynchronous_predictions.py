"""Predictions through the queue over HTTP, with AWS in memory."""

import io
import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from service.app import create_app
from service.aws import runtime_errors
from service.dependencies import get_clients
from service.domain import asynchronous_answers, asynchronous_predictions, deployments
from service.domain.received_image import ReceivedImage
from service.errors import EndpointNotFound, Problem, WrongEndpointKind
from service.schemas.endpoint import EndpointRequest
from tests.http_client import http_client
from tests.unit.service.serving.archives import model_archive
from tests.unit.service.serving.conftest import running
from tests.unit.service.serving.fake_aws import BUCKET, FakeClients
from tests.unit.service.serving.fake_runtime import MODEL_ANSWER
from tests.unit.service.serving.images import FORMATS, encoded

URI = "s3://artifacts/model.tar.gz"
PREDICTIONS = "/endpoints/dogs/predictions"
LIMIT = 3 * 2**20


@pytest.fixture
def client(aws: FakeClients) -> Iterator[httpx.Client]:
    """The app on the fakes, with an asynchronous endpoint that is in service and one that is not asynchronous."""
    aws.fake_s3.put(URI, model_archive())
    kinds: dict[str, dict[str, Any]] = {"dogs": {"asynchronous": {}}, "now": {}}
    for name, members in kinds.items():
        deployments.create(aws, EndpointRequest.model_validate({"name": name, "model_data": URI, **members}))
        aws.fake_sagemaker.set_status(name, "InService")
    aws.settings.max_async_image_bytes = LIMIT
    app = create_app(aws.settings)
    app.dependency_overrides[get_clients] = lambda: aws
    with running(app) as url, http_client(url, 30) as client:
        yield client


def objects(aws: FakeClients) -> list[str]:
    """Keys of the predictions' objects."""
    return sorted(key for bucket, key in aws.fake_s3.objects if bucket == BUCKET and "predictions/" in key)


def test_from_the_image_to_the_answer(client: httpx.Client, aws: FakeClients) -> None:
    image = encoded("PNG")
    accepted = client.post(PREDICTIONS, content=image, params={"top_k": 2}, headers={"Content-Type": "text/plain"})
    assert accepted.status_code == 202, accepted.text
    body = accepted.json()
    assert set(body) == {"id", "endpoint", "status", "location", "accepted_at"}
    assert (body["endpoint"], body["status"]) == ("dogs", "InProgress")
    assert accepted.headers["location"] == body["location"] == f"{PREDICTIONS}/{body['id']}"
    (asked,) = aws.fake_queue.asked
    assert (asked["ContentType"], asked["Accept"]) == ("image/png", "application/json; top_k=2")
    assert aws.fake_s3.at(asked["InputLocation"]) == image
    waiting = client.get(body["location"])
    assert (waiting.status_code, waiting.json()) == (200, body)
    assert int(waiting.headers["retry-after"]) > 0
    aws.fake_queue.answer(0, json.dumps(MODEL_ANSWER).encode())
    done = client.get(body["location"])
    assert "retry-after" not in done.headers
    assert done.json()["status"] == "Completed"
    prediction = done.json()["prediction"]
    assert [place["breed"] for place in prediction["predictions"]] == ["Breed 0", "Breed 1"]
    assert (prediction["endpoint"], prediction["variant"]) == ("dogs", None)
    assert prediction["model"] == MODEL_ANSWER["model"]


@pytest.mark.parametrize("image_format", FORMATS)
def test_the_format_is_told_from_the_bytes(client: httpx.Client, aws: FakeClients, image_format: str) -> None:
    files = {"file": ("dog.txt", encoded(image_format), "text/plain")}
    assert client.post(PREDICTIONS, files=files).status_code == 202
    assert aws.fake_queue.asked[0]["ContentType"] == FORMATS[image_format]
    assert aws.fake_s3.at(aws.fake_queue.asked[0]["InputLocation"]) == encoded(image_format)


@pytest.mark.parametrize(
    ("failure", "kind", "said"),
    [
        (
            'Received client error (400) from primary with message "{"code": "DamagedImage", "message": "The JPEG '
            'ends early."}". See https://console.aws.amazon.com/x in account 123456789012 for more information.',
            "unreadable-image",
            "The JPEG ends early.",
        ),
        (
            'Received client error (415) from model with message "{"code": "X", "message": "No image."}"',
            "not-an-image",
            "No image.",
        ),
        ('Received server error (500) from primary with message "boom". See https://x', "model-failed", "boom"),
        ("Endpoint dogs was deleted before it answered the request.", "model-failed", "was deleted before"),
        ("", "model-failed", "no reason"),
    ],
)
def test_a_failure_tells_its_reason(client: httpx.Client, aws: FakeClients, failure: str, kind: str, said: str) -> None:
    location = client.post(PREDICTIONS, content=encoded()).headers["location"]
    aws.fake_queue.fail(0, failure)
    answer = client.get(location)
    assert (answer.status_code, answer.json()["status"]) == (200, "Failed")
    problem = answer.json()["problem"]
    assert problem["type"] == f"urn:sagehound:problem:{kind}"
    assert said in problem["detail"]
    assert problem["action"]
    assert problem["instance"] == location


def test_an_answer_of_another_form_is_a_failure(client: httpx.Client, aws: FakeClients) -> None:
    location = client.post(PREDICTIONS, content=encoded()).headers["location"]
    aws.fake_queue.answer(0, b'{"score": 1}')
    assert client.get(location).json()["problem"]["type"] == "urn:sagehound:problem:model-failed"


def test_silence_beyond_the_queues_time_is_a_failure(
    client: httpx.Client, aws: FakeClients, monkeypatch: pytest.MonkeyPatch
) -> None:
    location = client.post(PREDICTIONS, content=encoded()).headers["location"]

    class Later(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> "Later":
            return cls.fromtimestamp((datetime.now(UTC) + timedelta(hours=7)).timestamp(), tz)

    monkeypatch.setattr(asynchronous_answers, "datetime", Later)
    assert "neither an answer nor a failure" in client.get(location).json()["problem"]["detail"]
    aws.fake_queue.answer(0, json.dumps(MODEL_ANSWER).encode())
    assert client.get(location).json()["status"] == "Completed"


@pytest.mark.parametrize("given", [{"params": {"id": "rex-1"}}, {"headers": {"Idempotency-Key": "rex-1"}}])
def test_the_same_id_again_is_the_same_prediction(
    client: httpx.Client, aws: FakeClients, given: dict[str, Any]
) -> None:
    first = client.post(PREDICTIONS, content=encoded(), **given)
    assert (first.status_code, first.headers["location"]) == (202, f"{PREDICTIONS}/rex-1")
    again = client.post(PREDICTIONS, content=encoded(), **given)
    assert (again.status_code, again.json()) == (200, first.json())
    aws.fake_queue.answer(0, json.dumps(MODEL_ANSWER).encode())
    assert client.post(PREDICTIONS, content=encoded(), **given).json()["status"] == "Completed"
    assert len(aws.fake_queue.asked) == 1
    for other in ({"content": encoded(size=(9, 9))}, {"content": encoded(), "params": {"id": "rex-1", "top_k": 1}}):
        conflict = client.post(PREDICTIONS, **(given | other))
        assert conflict.status_code == 409
        assert conflict.json()["type"] == "urn:sagehound:problem:name-conflict"


def test_of_many_at_once_one_is_the_prediction(client: httpx.Client, aws: FakeClients) -> None:
    images = [encoded(size=(8 + number % 2, 6)) for number in range(12)]

    def post(image: bytes) -> httpx.Response:
        return client.post(PREDICTIONS, content=image, params={"id": "rex-1"})

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(post, images))
    statuses = [answer.status_code for answer in answers]
    assert statuses.count(202) == 1
    winner = images[statuses.index(202)]
    assert {image: status for image, status in zip(images, statuses, strict=True) if status == 409}.keys() == {
        image for image in images if image != winner
    }
    record = json.loads(aws.fake_s3.objects[BUCKET, "sagehound/predictions/dogs/rex-1/invocation.json"])
    assert aws.fake_s3.at(record["input_uri"]) == winner


@pytest.mark.parametrize("step", ["Upload", "PutObject"])
def test_a_crash_in_the_middle_is_completed_by_the_same_request(
    client: httpx.Client, aws: FakeClients, step: str
) -> None:
    image = ReceivedImage(io.BytesIO(encoded()), "digest", "image/jpeg")
    aws.fake_s3.crash_before = step
    with pytest.raises(KeyboardInterrupt):
        asynchronous_predictions.submit(aws, "dogs", "rex-1", image, 5)
    assert client.get(f"{PREDICTIONS}/rex-1").status_code == 404
    answer = client.post(PREDICTIONS, content=encoded(), params={"id": "rex-1"})
    assert answer.status_code == 202
    aws.fake_queue.answer(len(aws.fake_queue.asked) - 1, json.dumps(MODEL_ANSWER).encode())
    assert client.get(f"{PREDICTIONS}/rex-1").json()["status"] == "Completed"
    assert client.delete(f"{PREDICTIONS}/rex-1").status_code == 204
    assert objects(aws) == []


def test_delete_takes_everything(client: httpx.Client, aws: FakeClients) -> None:
    for name in ("rex-1", "rex-10", "luna"):
        assert client.post(PREDICTIONS, content=encoded(), params={"id": name}).status_code == 202
    unfinished = client.delete(f"{PREDICTIONS}/rex-1")
    assert unfinished.status_code == 409
    assert unfinished.json()["type"] == "urn:sagehound:problem:state-conflict"
    aws.fake_queue.answer(0, json.dumps(MODEL_ANSWER).encode())
    aws.fake_queue.fail(2, "out of luck")
    assert client.delete(f"{PREDICTIONS}/rex-1").status_code == 204
    assert client.delete(f"{PREDICTIONS}/luna").status_code == 204
    assert {key.split("/")[3] for key in objects(aws)} == {"rex-10"}
    for gone in (client.get(f"{PREDICTIONS}/rex-1"), client.delete(f"{PREDICTIONS}/luna")):
        assert gone.status_code == 404
        assert gone.json()["type"] == "urn:sagehound:problem:prediction-not-found"


def test_a_crash_while_deleting_leaves_what_the_next_delete_takes(client: httpx.Client, aws: FakeClients) -> None:
    client.post(PREDICTIONS, content=encoded(), params={"id": "rex-1"})
    aws.fake_queue.answer(0, json.dumps(MODEL_ANSWER).encode())
    aws.fake_s3.crash_after = "DeleteObject"
    with pytest.raises(KeyboardInterrupt):
        asynchronous_predictions.delete(aws, "dogs", "rex-1")
    assert len(objects(aws)) == 2
    assert client.get(f"{PREDICTIONS}/rex-1").status_code == 404
    assert client.delete(f"{PREDICTIONS}/rex-1").status_code == 204
    assert objects(aws) == []


@pytest.mark.parametrize(
    ("endpoint", "kind", "said"),
    [
        ("now", "wrong-endpoint-kind", '"asynchronous": {}'),
        ("nobody", "endpoint-not-found", "POST /endpoints"),
        ("creating", "endpoint-not-in-service", "InService"),
    ],
)
def test_endpoints_that_cannot_take_it(
    client: httpx.Client, aws: FakeClients, endpoint: str, kind: str, said: str
) -> None:
    members = {"name": "creating", "model_data": URI, "asynchronous": {}}
    deployments.create(aws, EndpointRequest.model_validate(members))
    answer = client.post(f"/endpoints/{endpoint}/predictions", content=encoded())
    assert answer.status_code == answer.json()["status"] == (404 if endpoint == "nobody" else 409)
    assert answer.json()["type"] == f"urn:sagehound:problem:{kind}"
    assert said in answer.json()["action"]
    assert objects(aws) == []


def test_bodies_are_bounded_and_looked_at_while_they_come(client: httpx.Client, aws: FakeClients) -> None:
    def parts(of: bytes) -> Iterator[bytes]:
        yield from (of[start : start + 65_536] for start in range(0, len(of), 65_536))

    fits = encoded() + bytes(LIMIT - len(encoded()))
    form = {"files": {"file": ("dog.jpg", fits)}}
    for sent in ({"content": fits}, {"content": parts(fits)}, form):
        assert client.post(PREDICTIONS, **sent).status_code == 202
        assert aws.fake_s3.at(aws.fake_queue.asked[-1]["InputLocation"]) == fits
    before = len(aws.fake_queue.asked)
    over = fits + b"\0"
    for sent in ({"content": over}, {"content": parts(over)}, {"files": {"file": ("dog.jpg", over)}}):
        answer = client.post(PREDICTIONS, **sent)
        assert (answer.status_code, answer.json()["limit_bytes"]) == (413, LIMIT)
    endless: dict[str, Any] = {
        "content": parts(b"--x--" + over * 2),
        "headers": {"Content-Type": "multipart/form-data; boundary=x"},
    }
    assert client.post(PREDICTIONS, **endless).status_code == 413
    assert client.post(PREDICTIONS, content=b"%PDF" + fits[4:]).status_code == 415
    assert len(aws.fake_queue.asked) == before


@pytest.mark.parametrize(
    ("sent", "status", "said"),
    [
        ({"content": b""}, 400, "no image"),
        ({"content": b"hi"}, 415, "text"),
        ({"files": {"image": ("dog.jpg", encoded())}}, 400, "field 'image'"),
        ({"files": [("file", ("a.jpg", encoded())), ("file", ("b.jpg", encoded()))]}, 400, "more than one field"),
        ({"files": {"file": ("dog.jpg", b"")}}, 400, "no image"),
        ({"content": b"--x--\r\n", "headers": {"Content-Type": "multipart/form-data; boundary=x"}}, 400, "no image"),
        ({"content": b"hello\r\n", "headers": {"Content-Type": "multipart/form-data; boundary=x"}}, 400, "form"),
        ({"content": b"--x\r\n", "headers": {"Content-Type": "multipart/form-data; boundary=x"}}, 400, "form"),
        ({"content": b"x", "headers": {"Content-Type": "multipart/form-data"}}, 400, "boundary"),
        ({"content": encoded(), "params": {"top_k": 101}}, 422, "top_k"),
        ({"content": encoded(), "params": {"id": "../rex"}}, 422, "id"),
        ({"content": encoded(), "params": {"id": "r" * 65}}, 422, "id"),
        ({"content": encoded(), "headers": {"Idempotency-Key": "a/b"}}, 422, "idempotency-key"),
        ({"content": encoded(), "params": {"id": "a"}, "headers": {"Idempotency-Key": "b"}}, 400, "differ"),
        ({"content": encoded(), "params": {"fit": "true"}}, 422, "fit"),
    ],
)
def test_bad_requests(client: httpx.Client, aws: FakeClients, sent: dict[str, Any], status: int, said: str) -> None:
    answer = client.post(PREDICTIONS, **sent)
    assert answer.status_code == status, answer.text
    assert said in answer.json()["detail"].lower()
    assert answer.json()["action"]
    assert objects(aws) == []


def test_an_upload_that_breaks_off_leaves_nothing(client: httpx.Client, aws: FakeClients) -> None:
    with socket.create_connection((client.base_url.host, client.base_url.port or 80)) as connection:
        head = f"POST {PREDICTIONS}?id=rex-1 HTTP/1.1\r\nHost: x\r\nContent-Length: 9999\r\n\r\n"
        connection.sendall(head.encode() + encoded())
    assert client.get(f"{PREDICTIONS}/rex-1").status_code == 404
    assert client.post(PREDICTIONS, content=encoded(), params={"id": "rex-1"}).status_code == 202
    assert len(aws.fake_queue.asked) == 1


def test_the_other_way_is_named_where_an_asynchronous_endpoint_is_asked_at_once() -> None:
    def problem_of(message: str) -> Problem:
        return runtime_errors.problem_of("async-dogs", 400, {}, json.dumps({"Message": message}).encode())

    told = problem_of("Endpoint async-dogs of account 1 is an asynchronous endpoint; use InvokeEndpointAsync.")
    assert isinstance(told, WrongEndpointKind)
    assert "POST /endpoints/async-dogs/predictions" in told.action
    assert isinstance(problem_of("Endpoint async-dogs of account 1 not found."), EndpointNotFound)


def test_an_endpoint_may_be_named_like_a_route(client: httpx.Client) -> None:
    for name in ("predictions", "predict"):
        answer = client.put(f"/endpoints/{name}", content=b"{" + b" " * 2**20 + b"}")
        assert answer.status_code == 413
