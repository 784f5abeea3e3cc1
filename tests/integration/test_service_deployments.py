"""Endpoints of other kinds through the REST front, on a real local_sagemaker: into a queue, and without instances."""

import io
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from tests.http_client import http_client
from tests.integration import colour_model
from tests.local_server import LocalServer, boto_client, running_server
from tests.service_process import REPOSITORY_DIR, running_service
from tests.waiting import wait_for

BUCKET = "artifacts"
MODEL_DATA = f"s3://{BUCKET}/model.tar.gz"
COLOURS = {"Red setter": (220, 20, 20), "Green hound": (20, 220, 20), "Blue heeler": (20, 20, 220)}
PREDICTIONS = "/endpoints/queued/predictions"
# The service's own inference code, which answers only while the file `open` stands beside it.
GATE = """

import functools, pathlib, time

_predict_fn = predict_fn


@functools.wraps(_predict_fn)
def predict_fn(*arguments):
    while not pathlib.Path({gate!r}).exists():
        time.sleep(0.01)
    return _predict_fn(*arguments)
"""


def picture(breed: str, image_format: str = "JPEG", size: tuple[int, int] = (90, 60)) -> bytes:
    """An image of the breed's colour."""
    buffer = io.BytesIO()
    Image.new("RGB", size, COLOURS[breed]).save(buffer, image_format)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file; the models answer while it is there."""
    found = tmp_path_factory.mktemp("gate") / "open"
    found.touch()
    return found


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    """local_sagemaker with an artifact in its S3."""
    with running_server(tmp_path_factory.mktemp("state")) as found:
        s3 = boto_client(found, "s3")
        s3.create_bucket(Bucket=BUCKET)
        s3.put_object(Bucket=BUCKET, Key="model.tar.gz", Body=colour_model.artifact("first"))
        yield found


@pytest.fixture(scope="module")
def rest(server: LocalServer, gate: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of `python -m service`, and two endpoints in service: `queued`, and `idle`, which is serverless."""
    folder = tmp_path_factory.mktemp("service")
    code = folder / "inference"
    shutil.copytree(REPOSITORY_DIR / "inference", code, ignore=shutil.ignore_patterns("__pycache__"))
    with (code / "inference.py").open("a") as file:
        file.write(GATE.format(gate=str(gate)))
    environment = {
        "PATH": "/usr/bin:/bin",
        "AWS_ENDPOINT_URL": server.base_url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "SAGEHOUND_PORT": "0",
        "SAGEHOUND_TRAINING_IMAGE": "training",  # spares the SDK's import
        "SAGEHOUND_INFERENCE_IMAGE": "inference",
        "SAGEHOUND_OWN_CONTAINER_IMAGE": "123456789012.dkr.ecr.us-east-1.amazonaws.com/sagehound-inference:1",
        "SAGEHOUND_INFERENCE_SOURCE_DIR": str(code),
        "SAGEHOUND_MAX_ASYNC_IMAGE_BYTES": str(2**24),
    }
    with (
        running_service(folder / "log", environment) as url,
        http_client(url) as client,
    ):
        serverless = {"memory_size_mb": 2048, "max_concurrency": 2}
        kinds: dict[str, dict[str, Any]] = {
            "queued": {"asynchronous": {"max_concurrent_invocations": 2}},
            "idle": {"serverless": serverless, "container": "own", "precision": "fp32"},
        }
        for name, members in kinds.items():
            answer = client.post("/endpoints", json={"name": name, "model_data": MODEL_DATA, **members})
            assert answer.status_code == 202, answer.text
        for name in kinds:
            wait_for(lambda name=name: settled(client, name), f"{name} in service", 120)  # type: ignore[misc]
        yield client


def settled(rest: httpx.Client, name: str) -> bool:
    """Whether the endpoint is in service; fails when it will not be."""
    endpoint = rest.get(f"/endpoints/{name}").raise_for_status().json()
    assert endpoint["status"] in {"Creating", "InService"}, endpoint["failure_reason"]
    return bool(endpoint["status"] == "InService")


def ended(rest: httpx.Client, location: str) -> dict[str, Any]:
    """The prediction once there is an answer, or a reason."""

    def over() -> dict[str, Any] | None:
        found: dict[str, Any] = rest.get(location).raise_for_status().json()
        return found if found["status"] != "InProgress" else None

    found: dict[str, Any] = wait_for(over, f"end of {location}")
    return found


def ask(rest: httpx.Client, image: bytes, **query: str | int) -> str:
    """The location of the image's prediction."""
    answer = rest.post(PREDICTIONS, content=image, params=query)
    assert answer.status_code == 202, answer.text
    return answer.headers["location"]


def test_an_image_that_is_too_big_for_predict(rest: httpx.Client, server: LocalServer) -> None:
    image = picture("Green hound", "BMP", (2100, 1600))
    assert len(image) > 9 * 2**20
    location = ask(rest, image, top_k=2, id="big")
    assert location == f"{PREDICTIONS}/big"
    found = ended(rest, location)
    assert found["status"] == "Completed", found
    prediction = found["prediction"]
    assert prediction["predictions"][0]["breed"] == "Green hound"
    assert len(prediction["predictions"]) == 2
    assert prediction["model"] == {"architecture": "colour", "version": "first"}
    assert rest.post(PREDICTIONS, content=image, params={"id": "big", "top_k": 2}).json() == found
    assert rest.post(PREDICTIONS, content=image, params={"id": "big", "top_k": 3}).status_code == 409
    assert rest.delete(location).status_code == 204
    assert rest.get(location).status_code == 404
    s3 = boto_client(server, "s3")
    left = s3.list_objects_v2(Bucket="sagemaker-us-east-1-123456789012", Prefix="sagehound/predictions/queued/big")
    assert left["KeyCount"] == 0


def test_a_damaged_image_fails_with_the_models_words(rest: httpx.Client) -> None:
    found = ended(rest, ask(rest, picture("Red setter")[:300]))
    assert found["status"] == "Failed"
    assert found["problem"]["type"] == "urn:sagehound:problem:unreadable-image"
    assert 400 <= found["problem"]["model_status"] < 500


def test_each_kind_is_asked_its_own_way(rest: httpx.Client) -> None:
    at_once = rest.post("/endpoints/queued/predict", content=picture("Red setter"))
    assert at_once.status_code == 409, at_once.text
    assert at_once.json()["type"] == "urn:sagehound:problem:wrong-endpoint-kind"
    assert f"POST {PREDICTIONS}" in at_once.json()["action"]
    later = rest.post("/endpoints/idle/predictions", content=picture("Red setter"))
    assert later.status_code == 409, later.text
    assert later.json()["type"] == "urn:sagehound:problem:wrong-endpoint-kind"
    assert "/endpoints/idle/predict" in later.json()["action"]


def test_serverless_in_the_own_container(rest: httpx.Client) -> None:
    answer = rest.post("/endpoints/idle/predict", content=picture("Blue heeler"))
    assert answer.status_code == 200, answer.text
    assert answer.json()["predictions"][0]["breed"] == "Blue heeler"
    (variant,) = rest.get("/endpoints/idle").json()["variants"]
    assert variant["serverless"] == {"memory_size_mb": 2048, "max_concurrency": 2, "provisioned_concurrency": None}
    assert (variant["instance_type"], variant["precision"]) == (None, "fp32")
    assert variant["image"].endswith("/sagehound-inference:1")


def test_a_prediction_survives_kill_9(rest: httpx.Client, server: LocalServer, gate: Path) -> None:
    gate.unlink()
    locations = {breed: ask(rest, picture(breed), id=breed.replace(" ", "-")) for breed in COLOURS}
    server.kill()
    server.start()
    for location in locations.values():
        assert rest.get(location).json()["status"] == "InProgress"
    repeated = rest.post(PREDICTIONS, content=picture("Red setter"), params={"id": "Red-setter"})
    assert (repeated.status_code, repeated.json()["status"]) == (200, "InProgress")
    assert rest.delete(locations["Red setter"]).status_code == 409
    gate.touch()
    for breed, location in locations.items():
        found = ended(rest, location)
        assert found["status"] == "Completed", found
        assert found["prediction"]["predictions"][0]["breed"] == breed
