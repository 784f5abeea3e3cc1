"""Deploy and predict through the REST front, on a real local_sagemaker whose model servers run inference/."""

import io
import struct
import zlib
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from PIL import Image

from tests.http_client import http_client
from tests.integration import colour_model
from tests.local_server import LocalServer, boto_client, running_server
from tests.service_process import running_service
from tests.waiting import wait_for

DEADLINE_SECONDS = 120.0
BUCKET = "artifacts"
COLOURS = {"Red setter": (220, 20, 20), "Green hound": (20, 220, 20), "Blue heeler": (20, 20, 220)}
ENDPOINT = "dog-breeds"
MODEL_DATA = f"s3://{BUCKET}/first/output/model.tar.gz"


def picture(breed: str, image_format: str = "JPEG", size: tuple[int, int] = (90, 60)) -> bytes:
    """An image of the breed's colour."""
    buffer = io.BytesIO()
    Image.new("RGB", size, COLOURS[breed]).save(buffer, image_format)
    return buffer.getvalue()


def png_header(width: int, height: int) -> bytes:
    """A PNG that says it is of this size, with next to nothing in it."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


@pytest.fixture(scope="module")
def local_sagemaker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    """A server with two artifacts in its S3."""
    with running_server(tmp_path_factory.mktemp("state")) as server:
        s3 = boto_client(server, "s3")
        s3.create_bucket(Bucket=BUCKET)
        s3.put_object(Bucket=BUCKET, Key="first/output/model.tar.gz", Body=colour_model.artifact("first"))
        renamed = ("Irish setter", "Greyhound", "Blue Lacy")
        s3.put_object(Bucket=BUCKET, Key="second/output/model.tar.gz", Body=colour_model.artifact("second", renamed))
        s3.put_object(Bucket=BUCKET, Key="broken/model.tar.gz", Body=b"no archive")
        yield server


@pytest.fixture(scope="module")
def rest(local_sagemaker: LocalServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of `python -m service`, a process of its own."""
    environment = {
        "PATH": "/usr/bin:/bin",
        "AWS_ENDPOINT_URL": local_sagemaker.base_url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "SAGEHOUND_PORT": "0",
        "SAGEHOUND_TRAINING_IMAGE": "training",  # spares the SDK's import
        "SAGEHOUND_INFERENCE_IMAGE": "inference",
    }
    log = tmp_path_factory.mktemp("service") / "log"
    with running_service(log, environment) as url, http_client(url) as client:
        yield client


def settled(rest: httpx.Client, name: str) -> dict[str, Any]:
    """The endpoint once nothing is under way."""

    def over() -> dict[str, Any] | None:
        endpoint: dict[str, Any] = rest.get(f"/endpoints/{name}").raise_for_status().json()
        return endpoint if endpoint["status"] in {"InService", "Failed"} else None

    found: dict[str, Any] = wait_for(over, f"settled {name}", DEADLINE_SECONDS)
    return found


@pytest.fixture(scope="module")
def endpoint(rest: httpx.Client) -> dict[str, Any]:
    """The default endpoint, in service."""
    before = rest.get("/readyz").json()
    assert before["default_endpoint"] == {"name": ENDPOINT, "status": "NotFound"}
    body = {"name": ENDPOINT, "model_data": MODEL_DATA, "tags": {"team": "zoo"}}
    created = rest.post("/endpoints", json=body)
    assert created.status_code == 202, created.text
    assert rest.post("/endpoints", json=body).status_code == 200
    found = settled(rest, created.headers["location"].rsplit("/", 1)[1])
    assert found["status"] == "InService", found["failure_reason"]
    return found


def test_the_endpoint_tells_what_it_is_made_of(rest: httpx.Client, endpoint: dict[str, Any]) -> None:
    assert endpoint["model_data"] == MODEL_DATA
    assert endpoint["training_job"] is None
    assert endpoint["tags"] == {"team": "zoo"}
    (variant,) = endpoint["variants"]
    assert variant["name"] == "AllTraffic"
    assert variant["current_instance_count"] == 1
    assert variant["model_data"].startswith("s3://sagemaker-us-east-1-123456789012/sagehound/models/")
    assert rest.get("/endpoints", params={"status": "InService"}).json()["items"][0]["name"] == ENDPOINT
    assert rest.get("/readyz").json()["default_endpoint"]["status"] == "InService"


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP", "BMP", "GIF"])
@pytest.mark.parametrize("breed", COLOURS)
def test_every_format_names_the_breed(
    rest: httpx.Client, endpoint: dict[str, Any], breed: str, image_format: str
) -> None:
    answer = rest.post("/predict", content=picture(breed, image_format), params={"top_k": 2})
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["predictions"][0]["breed"] == breed
    assert len(body["predictions"]) == 2
    assert body["predictions"][0]["probability"] > 0.9
    assert body["model"] == {"architecture": "colour", "version": "first"}
    assert (body["endpoint"], body["variant"]) == (ENDPOINT, "AllTraffic")


def test_more_breeds_than_the_model_has(rest: httpx.Client, endpoint: dict[str, Any]) -> None:
    for query in ({"top_k": 100}, {"top_k": 4}, {}):
        answer = rest.post("/predict", content=picture("Red setter"), params=query)
        assert answer.status_code == 200, answer.text
        assert [place["class_index"] for place in answer.json()["predictions"]] == [0, 1, 2]


def test_a_form_of_several_images(rest: httpx.Client, endpoint: dict[str, Any]) -> None:
    files = [("file", (f"{breed}.png", picture(breed, "PNG"))) for breed in COLOURS]
    answer = rest.post(f"/endpoints/{ENDPOINT}/predict", files=files).raise_for_status().json()
    assert [item["predictions"][0]["breed"] for item in answer["items"]] == list(COLOURS)


def test_an_image_that_is_too_large_is_shrunk_when_asked(rest: httpx.Client, endpoint: dict[str, Any]) -> None:
    large = picture("Blue heeler", "BMP", (1700, 1400))  # seven megabytes
    refused = rest.post("/predict", content=large)
    assert refused.status_code == 413
    assert "?fit=true" in refused.json()["action"]
    answer = rest.post("/predict", content=large, params={"fit": "true"})
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["predictions"][0]["breed"] == "Blue heeler"
    assert body["fitted"]["original_bytes"] == len(large)
    assert body["fitted"]["sent_bytes"] < 6_291_456
    assert (body["fitted"]["width"], body["fitted"]["height"]) == (1700, 1400)
    assert "fitted" not in rest.post("/predict", content=picture("Blue heeler"), params={"fit": "true"}).json()


def test_where_the_time_went(rest: httpx.Client, endpoint: dict[str, Any]) -> None:
    answer = rest.post("/predict", files={"file": ("a.png", picture("Red setter", "PNG"))})
    stages = dict(stage.split(";dur=") for stage in answer.headers["server-timing"].split(", "))
    assert list(stages) == ["parse", "sign", "wait", "model"]
    assert 0 < float(stages["model"]) < answer.elapsed.total_seconds() * 1000


def test_breeds_come_from_the_artifact(rest: httpx.Client, endpoint: dict[str, Any]) -> None:
    breeds = rest.get("/breeds").raise_for_status().json()
    assert breeds["model"] == endpoint["variants"][0]["model"]
    assert breeds["items"] == [
        {"index": 0, "folder": "001.Red_setter", "breed": "Red setter"},
        {"index": 1, "folder": "002.Green_hound", "breed": "Green hound"},
        {"index": 2, "folder": "003.Blue_heeler", "breed": "Blue heeler"},
    ]


@pytest.mark.parametrize(
    ("content", "statuses", "kind"),
    [
        (b"this is a text that is named dog.jpg", {415}, "not-an-image"),
        (picture("Red setter", size=(600, 400))[:1500], {422}, "unreadable-image"),
        (b"\xff\xd8\xff\xe0" + b"\0" * 500, {415, 422}, ""),
        (png_header(60_000, 60_000), {413, 422}, ""),
        (b"\0" * (30 * 2**20), {413}, "payload-too-large"),
        (b"", {400}, "bad-request"),
    ],
)
def test_bad_uploads_leave_the_service_well(
    rest: httpx.Client, endpoint: dict[str, Any], content: bytes, statuses: set[int], kind: str
) -> None:
    answer = rest.post("/predict", content=content)
    assert answer.status_code in statuses, answer.text
    body = answer.json()
    assert body["type"].startswith(f"urn:sagehound:problem:{kind}")
    assert len(body["detail"]) > 10
    assert "Traceback" not in body["detail"]
    good = rest.post("/predict", content=picture("Blue heeler"))
    assert good.json()["predictions"][0]["breed"] == "Blue heeler"


def test_endpoints_that_cannot_answer(rest: httpx.Client, endpoint: dict[str, Any]) -> None:
    unknown = rest.post("/endpoints/nobody/predict", content=picture("Red setter"))
    assert unknown.status_code == 404
    assert unknown.json()["type"] == "urn:sagehound:problem:endpoint-not-found"
    created = rest.post("/endpoints", json={"name": "fresh", "model_data": MODEL_DATA})
    assert created.status_code == 202
    early = rest.post("/endpoints/fresh/predict", content=picture("Red setter"))
    assert early.status_code in {409, 200}  # 200 when it was in service that soon
    if early.status_code == 409:
        assert early.json()["type"] == "urn:sagehound:problem:endpoint-not-in-service"
    assert settled(rest, "fresh")["status"] == "InService"
    assert rest.delete("/endpoints/fresh").status_code == 202
    wait_for(lambda: rest.get("/endpoints/fresh").status_code == 404, "end of fresh", DEADLINE_SECONDS)


def test_bad_deployments(rest: httpx.Client, endpoint: dict[str, Any]) -> None:
    for body, status, said in [
        ({"name": "x", "model_data": f"s3://{BUCKET}/nothing.tar.gz"}, 400, "There is no object"),
        ({"name": "x", "model_data": "s3://no-such-bucket/model.tar.gz"}, 400, "There is no object"),
        ({"name": "x", "model_data": f"s3://{BUCKET}/broken/model.tar.gz"}, 400, "tar.gz"),
        ({"name": "x", "training_job": "nobody"}, 404, "nobody"),
        ({"name": ENDPOINT, "model_data": MODEL_DATA}, 409, "another body"),
        ({"name": "x_y", "model_data": MODEL_DATA}, 422, "name"),
    ]:
        answer = rest.post("/endpoints", json=body)
        assert answer.status_code == status, answer.text
        assert said in answer.json()["detail"]
    assert rest.get("/endpoints/x").status_code == 404


def test_an_update_without_a_gap_and_the_end(
    rest: httpx.Client, local_sagemaker: LocalServer, endpoint: dict[str, Any]
) -> None:
    wanted = {"model_data": f"s3://{BUCKET}/second/output/model.tar.gz"}
    assert rest.put(f"/endpoints/{ENDPOINT}", json=wanted).status_code == 202
    seen: list[str] = []

    def changed() -> bool:
        answer = rest.post("/predict", content=picture("Red setter"))
        assert answer.status_code == 200, answer.text
        seen.append(answer.json()["model"]["version"])
        return seen[-1] == "second"

    wait_for(changed, "answer of the second model", DEADLINE_SECONDS)
    assert settled(rest, ENDPOINT)["status"] == "InService"
    assert seen == sorted(seen)  # never back to the first
    assert rest.put(f"/endpoints/{ENDPOINT}", json=wanted).status_code == 200
    assert rest.get("/breeds").json()["items"][0]["breed"] == "Irish setter"

    assert rest.delete(f"/endpoints/{ENDPOINT}").status_code == 202
    wait_for(lambda: rest.get(f"/endpoints/{ENDPOINT}").status_code == 404, "end of the endpoint", DEADLINE_SECONDS)
    sagemaker = boto_client(local_sagemaker, "sagemaker")
    assert sagemaker.list_models()["Models"] == []
    assert sagemaker.list_endpoint_configs()["EndpointConfigs"] == []
    assert rest.delete(f"/endpoints/{ENDPOINT}").status_code == 404
    gone = rest.post("/predict", content=picture("Red setter"))
    assert gone.status_code == 404
