"""POST /predict over real connections: service under uvicorn, SageMaker Runtime faked on loopback."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import httpx
import pytest

from tests.unit.service.serving.conftest import Serve
from tests.unit.service.serving.fake_runtime import MODEL_ANSWER, Answer, FakeRuntime, error
from tests.unit.service.serving.images import FORMATS, encoded


def problem(response: httpx.Response, status: int, kind: str) -> dict[str, object]:
    """The problem of an answer that must be one."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, object] = response.json()
    assert body["type"] == f"urn:sagehound:problem:{kind}"
    assert body["status"] == status
    assert body["action"]
    return body


@pytest.mark.parametrize("image_format", FORMATS)
@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "image/png", None])
def test_raw_bytes_arrive_untouched_with_the_type_that_they_are(
    serve: Serve, fake_runtime: FakeRuntime, image_format: str, content_type: str | None
) -> None:
    image = encoded(image_format)
    headers = {"Content-Type": content_type} if content_type else {}
    response = serve().post("/predict", content=image, headers=headers, params={"top_k": 2})
    assert response.status_code == 200, response.text
    (asked,) = fake_runtime.asked
    assert asked.body == image
    assert asked.path == "/endpoints/dog-breeds/invocations"
    assert asked.headers["Content-Type"] == FORMATS[image_format]
    assert asked.headers["Accept"] == "application/json; top_k=2"
    assert response.json() == {
        "predictions": MODEL_ANSWER["predictions"][:2],
        "endpoint": "dog-breeds",
        "variant": "AllTraffic",
        "model": MODEL_ANSWER["model"],
    }
    stages = dict(stage.split(";dur=") for stage in response.headers["server-timing"].split(", "))
    assert list(stages) == ["parse", "sign", "wait", "model"]
    assert float(stages["parse"]) >= 0
    assert float(stages["sign"]) > 0
    assert float(stages["model"]) > 0


def test_five_breeds_without_top_k(serve: Serve, fake_runtime: FakeRuntime) -> None:
    many = [MODEL_ANSWER["predictions"][0]] * 133
    fake_runtime.answers = [Answer(body=json.dumps({**MODEL_ANSWER, "predictions": many}).encode())]
    assert len(serve().post("/predict", content=encoded()).json()["predictions"]) == 5
    assert fake_runtime.asked[0].headers["Accept"] == "application/json; top_k=5"


def test_a_top_k_that_the_model_refuses_is_no_fault_of_the_image(serve: Serve, fake_runtime: FakeRuntime) -> None:
    message = '{"code": "InvalidAccept", "message": "top_k=9 is more than this model answers"}'
    fake_runtime.answers = [error(424, "ModelError", OriginalStatusCode=400, OriginalMessage=message)]
    body = problem(serve().post("/predict", content=encoded(), params={"top_k": 9}), 400, "bad-request")
    assert "top_k=9" in str(body["detail"])


def test_an_endpoint_can_be_named(serve: Serve, fake_runtime: FakeRuntime) -> None:
    client = serve(default_endpoint="other")
    assert client.post("/endpoints/cats-2/predict", content=encoded()).json()["endpoint"] == "cats-2"
    assert client.post("/predict", content=encoded()).json()["endpoint"] == "other"
    assert [asked.path for asked in fake_runtime.asked] == [
        "/endpoints/cats-2/invocations",
        "/endpoints/other/invocations",
    ]


def test_an_illegal_endpoint_name_is_refused(serve: Serve, fake_runtime: FakeRuntime) -> None:
    body = problem(serve().post("/endpoints/a_b/predict", content=encoded()), 422, "invalid-request")
    assert "name" in str(body["detail"])
    assert fake_runtime.asked == []


@pytest.mark.parametrize("top_k", ["0", "101", "many", "-1"])
def test_top_k_out_of_range_is_refused(serve: Serve, fake_runtime: FakeRuntime, top_k: str) -> None:
    problem(serve().post("/predict", content=encoded(), params={"top_k": top_k}), 422, "invalid-request")
    assert fake_runtime.asked == []


def test_a_form_with_one_file_answers_like_raw_bytes(serve: Serve, fake_runtime: FakeRuntime) -> None:
    image = encoded("PNG")
    response = serve().post("/predict", files={"file": ("rex.png", image, "text/plain")})
    assert response.status_code == 200, response.text
    assert response.json()["predictions"][0]["breed"] == "Breed 0"
    assert fake_runtime.asked[0].body == image
    assert fake_runtime.asked[0].headers["Content-Type"] == "image/png"


def test_a_form_with_several_files_answers_in_their_order(serve: Serve, fake_runtime: FakeRuntime) -> None:
    sizes = [(8, 8), (16, 8), (24, 8), (32, 8), (40, 8), (48, 8)]
    images = {encoded("PNG", size): f"{size[0]}.png" for size in sizes}
    response = serve().post("/predict", files=[("file", (name, image)) for image, name in images.items()])
    assert response.status_code == 200, response.text
    assert [item["filename"] for item in response.json()["items"]] == list(images.values())
    assert {asked.body for asked in fake_runtime.asked} == set(images)


def test_one_bad_file_of_several_is_named(serve: Serve, fake_runtime: FakeRuntime) -> None:
    files = [("file", ("a.jpg", encoded())), ("file", ("notes.jpg", b"only some notes about a dog"))]
    body = problem(serve().post("/predict", files=files), 415, "not-an-image")
    assert body["filename"] == "notes.jpg"
    assert body["file_index"] == 1


@pytest.mark.parametrize(
    ("request_parts", "said"),
    [
        ({"content": b""}, "no body"),
        ({"data": {"top_k": "5"}, "files": {}}, "application/x-www-form-urlencoded"),
        ({"files": {"image": ("a.jpg", b"x")}}, "'image'"),
        ({"files": {"file": ("a.jpg", b"")}}, "empty"),
        ({"content": b"--b--\r\n", "headers": {"Content-Type": "multipart/form-data; boundary=b"}}, "no file"),
        ({"content": b"x", "headers": {"Content-Type": "multipart/form-data"}}, "boundary"),
        (
            {
                "content": b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\n\xff\xd8\xff',
                "headers": {"Content-Type": "multipart/form-data; boundary=b"},
            },
            "closing boundary",
        ),
        ({"content": b"nonsense", "headers": {"Content-Type": "multipart/form-data; boundary=b"}}, "cannot be read"),
    ],
)
def test_what_is_no_upload_says_how_to_send_one(
    serve: Serve, fake_runtime: FakeRuntime, request_parts: dict[str, object], said: str
) -> None:
    response = serve().post("/predict", **request_parts)  # type: ignore[arg-type] # httpx's own keywords
    if said == "application/x-www-form-urlencoded":
        assert "text" in str(problem(response, 415, "not-an-image")["detail"])
    else:
        assert said in str(problem(response, 400, "bad-request")["detail"])
    assert fake_runtime.asked == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"just some text named dog.jpg", "text ('just some text"),
        (b"%PDF-1.7 ...", "PDF"),
        (b"\x93NUMPY\x01\x00", "NumPy"),
        (b"/9j/4AAQSkZJRgABAQ", "base64"),
        (b"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\x00\x10JFIF", "UTF-8"),
        (b"\x00\x00\x00\x18ftypheic", "HEIC"),
        (b"\x00\x01\x02\x03", "00 01 02 03"),
        (b"\xff", "ff"),
    ],
)
def test_what_is_no_image_is_told_what_it_seems_to_be(
    serve: Serve, fake_runtime: FakeRuntime, content: bytes, said: str
) -> None:
    body = problem(serve().post("/predict", content=content), 415, "not-an-image")
    assert said in str(body["detail"])
    assert "JPEG, PNG, WebP, BMP or GIF" in str(body["action"])
    assert fake_runtime.asked == []


@pytest.mark.parametrize(
    ("original_status", "status", "kind"),
    [
        (400, 422, "unreadable-image"),
        (406, 400, "bad-request"),
        (413, 413, "payload-too-large"),
        (415, 415, "not-an-image"),
        (422, 422, "unreadable-image"),
        (429, 429, "throttled"),
        (500, 502, "model-failed"),
        (503, 502, "model-failed"),
    ],
)
def test_the_model_s_own_message_reaches_the_client(
    serve: Serve, fake_runtime: FakeRuntime, original_status: int, status: int, kind: str
) -> None:
    fake_runtime.answers = [
        error(
            424,
            "ModelError",
            Message="Received error from primary",
            OriginalStatusCode=original_status,
            OriginalMessage='{"code": "Truncated", "message": "the JPEG ends too early"}',
            LogStreamArn="arn:aws:logs:us-east-1:123456789012:log-group:/aws/sagemaker/Endpoints/dog-breeds",
        )
    ]
    body = problem(serve().post("/predict", content=encoded()), status, kind)
    assert "the JPEG ends too early" in str(body["detail"])
    assert '"code"' not in str(body["detail"])
    assert len(fake_runtime.asked) == 1  # the model's answer is never asked for twice


@pytest.mark.parametrize(
    ("answer", "status", "kind"),
    [
        (
            error(400, "ValidationError", Message="Endpoint dog-breeds of account 1 not found."),
            404,
            "endpoint-not-found",
        ),
        (error(400, "ValidationError", Message="Endpoint x is not in service."), 409, "endpoint-not-in-service"),
        (error(400, "ValidationError", Message="1 validation error detected"), 400, "bad-request"),
        (error(429, "ModelNotReadyException", Message="loading"), 429, "throttled"),
        (error(400, "ThrottlingException", Message="Rate exceeded"), 429, "throttled"),
        (error(403, "AccessDeniedException", Message="not authorized"), 502, "access-denied"),
        (error(500, "InternalFailure", Message="oops"), 503, "aws-unavailable"),
        (error(530, "InternalDependencyException", Message="oops"), 503, "aws-unavailable"),
        (Answer(502, b"<html>Bad gateway</html>", {"Content-Type": "text/html"}), 503, "aws-unavailable"),
        (Answer(200, b"[[0.1, 0.9]]"), 502, "model-failed"),
        (Answer(200, b'{"predictions": [], "model"'), 502, "model-failed"),
    ],
)
def test_errors_of_the_runtime(serve: Serve, fake_runtime: FakeRuntime, answer: Answer, status: int, kind: str) -> None:
    fake_runtime.answers = [answer]
    problem(serve().post("/predict", content=encoded()), status, kind)


def test_passing_trouble_is_tried_again(serve: Serve, fake_runtime: FakeRuntime) -> None:
    image = encoded("PNG", (1200, 1200)) + b"\0" * 2**21  # above a megabyte the body travels as a file
    fake_runtime.answers = [Answer(drop=True), error(503, "ServiceUnavailable", Message="busy"), Answer()]
    assert serve().post("/predict", content=image).status_code == 200
    assert [asked.body == image for asked in fake_runtime.asked] == [True, True, True]


def test_lasting_trouble_is_told(serve: Serve, fake_runtime: FakeRuntime) -> None:
    client = serve()
    fake_runtime.answers = [error(503, "ServiceUnavailable", Message="busy")]
    assert "busy" in str(problem(client.post("/predict", content=encoded()), 503, "aws-unavailable")["detail"])
    fake_runtime.answers = [Answer(drop=True)]
    problem(client.post("/predict", content=encoded()), 503, "aws-unavailable")
    fake_runtime.answers = [Answer()]
    assert client.post("/predict", content=encoded()).status_code == 200


def test_nobody_listens(serve: Serve, fake_runtime: FakeRuntime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME", "http://127.0.0.1:1")
    body = problem(serve(fresh=True).post("/predict", content=encoded()), 503, "aws-unavailable")
    assert "http://127.0.0.1:1" in str(body["detail"])


def test_no_credentials(serve: Serve, fake_runtime: FakeRuntime, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, "/nowhere")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    problem(serve(fresh=True).post("/predict", content=encoded()), 502, "access-denied")
    assert fake_runtime.asked == []


def test_a_slow_model_meets_the_deadline(serve: Serve, fake_runtime: FakeRuntime) -> None:
    release = threading.Event()
    fake_runtime.answers = [Answer(wait=release)]
    try:
        body = problem(
            serve(predict_timeout_seconds=0.3).post("/predict", content=encoded()), 504, "prediction-timeout"
        )
    finally:
        release.set()
    assert "0.3 s" in str(body["detail"])


def test_a_slow_model_holds_up_nobody_else(serve: Serve, fake_runtime: FakeRuntime) -> None:
    client = serve()
    release = threading.Event()
    fake_runtime.answers = [Answer(wait=release)]
    with ThreadPoolExecutor(8) as pool:
        pending = [pool.submit(client.post, "/predict", content=encoded()) for _ in range(8)]
        assert client.get("/healthz").json() == {"status": "ok"}
        assert not any(future.done() for future in pending)
        release.set()
        assert [future.result().status_code for future in pending] == [200] * 8


def test_what_aws_asks_for_reaches_the_client(serve: Serve, fake_runtime: FakeRuntime) -> None:
    client = serve(predict_timeout_seconds=5.0)
    for status, kind in ((503, "aws-unavailable"), (429, "throttled")):
        fake_runtime.asked.clear()
        refusal = error(status, "ServiceUnavailable" if status == 503 else "ThrottlingException", Message="busy")
        fake_runtime.answers = [replace(refusal, headers={**refusal.headers, "Retry-After": "3600"})]
        response = client.post("/predict", content=encoded())
        problem(response, status, kind)
        assert response.headers["retry-after"] == "3600"
        assert len(fake_runtime.asked) == 1  # an hour is beyond the deadline: no second attempt, no waiting


def test_a_full_queue_of_the_model_is_no_failure_of_it(serve: Serve, fake_runtime: FakeRuntime) -> None:
    message = '{"code": "QueueFull", "message": "64 requests wait already"}'
    fake_runtime.answers = [error(424, "ModelError", OriginalStatusCode=503, OriginalMessage=message)]
    response = serve().post("/predict", content=encoded())
    assert "64 requests" in str(problem(response, 429, "throttled")["detail"])
    assert response.headers["retry-after"] == "1"


def test_an_ended_worker_costs_one_more_attempt(serve: Serve, fake_runtime: FakeRuntime) -> None:
    ended = error(424, "ModelError", OriginalStatusCode=500, OriginalMessage='{"code": "WorkerEnded", "message": "x"}')
    fake_runtime.answers = [ended, Answer()]
    assert serve().post("/predict", content=encoded()).status_code == 200
    fake_runtime.asked.clear()
    fake_runtime.answers = [ended]
    problem(serve().post("/predict", content=encoded()), 502, "model-failed")
    assert len(fake_runtime.asked) == 2


def test_the_request_s_id_reaches_the_endpoint(serve: Serve, fake_runtime: FakeRuntime) -> None:
    response = serve().post("/predict", content=encoded(), headers={"X-Request-Id": "rex-1"})
    assert response.headers["x-request-id"] == "rex-1"
    assert fake_runtime.asked[0].headers["X-Amzn-SageMaker-Inference-Id"] == "rex-1"
    assert "x-amzn-sagemaker-inference-id" in fake_runtime.asked[0].headers["Authorization"]


def test_a_second_attempt_beside_a_slow_first(serve: Serve, fake_runtime: FakeRuntime) -> None:
    release = threading.Event()
    fake_runtime.answers = [Answer(wait=release), Answer()]
    try:
        assert serve(hedge_seconds=0.05).post("/predict", content=encoded()).status_code == 200
        assert not release.is_set()
    finally:
        release.set()
    assert len(fake_runtime.asked) == 2


def test_nobody_is_asked_twice_without_need(serve: Serve, fake_runtime: FakeRuntime) -> None:
    assert serve(hedge_seconds=30.0).post("/predict", content=encoded()).status_code == 200
    assert len(fake_runtime.asked) == 1


def test_an_unknown_parameter_is_refused(serve: Serve, fake_runtime: FakeRuntime) -> None:
    for path in ("/predict", "/endpoints/dogs/predict"):
        body = problem(serve().post(path, content=encoded(), params={"topk": 3}), 422, "invalid-request")
        assert body["errors"] == [{"pointer": "#/query/topk", "detail": "there is no member or parameter of this name"}]
    assert fake_runtime.asked == []
