"""Uploads beyond the limits, over raw sockets: refused early, the answer readable, the server well after."""

import json
import socket
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from service import unread_body
from tests.unit.service.serving.conftest import Serve
from tests.unit.service.serving.fake_runtime import FakeRuntime
from tests.unit.service.serving.images import encoded

MEGABYTE = 2**20
BOUNDARY = "frontier"
JPEG = encoded("JPEG")


def connect(client: httpx.Client) -> socket.socket:
    """A plain connection to the service."""
    url = urlsplit(str(client.base_url))
    return socket.create_connection((url.hostname or "", url.port or 0), timeout=20)


def read_answer(connection: socket.socket) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of one answer with a Content-Length."""
    stream = connection.makefile("rb")
    status = int(stream.readline().split()[1])
    headers: dict[str, str] = {}
    while (line := stream.readline().strip()) != b"":
        name, _, value = line.decode().partition(":")
        headers[name.lower()] = value.strip()
    return status, headers, stream.read(int(headers["content-length"]))


def assert_well(client: httpx.Client) -> None:
    """The service goes on to answer."""
    assert client.get("/healthz").status_code == 200
    assert client.post("/predict", content=encoded()).status_code == 200


def send_all_then_read(connection: socket.socket, head: str, chunks: list[bytes]) -> tuple[int, dict[str, str], bytes]:
    """As most clients do it: write everything, then read. A reset in between would raise."""
    connection.sendall(head.encode())
    for chunk in chunks:
        connection.sendall(chunk)
    return read_answer(connection)


def test_thirty_megabytes_by_content_length(serve: Serve, fake_runtime: FakeRuntime) -> None:
    client = serve()
    head = f"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: {30 * MEGABYTE}\r\n\r\n"
    with connect(client) as connection:
        status, headers, body = send_all_then_read(connection, head, [b"\xff\xd8\xff" + b"\0" * (MEGABYTE - 3)] * 30)
        assert status == 413
        assert b"6,291,456 bytes (6 MiB)" in body
        assert headers["connection"] == "close"
        assert connection.recv(1) == b""  # closed in order, not reset
    assert fake_runtime.asked == []
    assert_well(client)


def test_refused_before_the_body_is_sent(serve: Serve, fake_runtime: FakeRuntime) -> None:
    client = serve()
    with connect(client) as connection:
        headers_sent = f"Host: x\r\nContent-Length: {30 * MEGABYTE}\r\nExpect: 100-continue\r\n\r\n"
        connection.sendall(f"POST /predict HTTP/1.1\r\n{headers_sent}".encode())
        status, headers, _ = read_answer(connection)  # no 100 Continue, and not one byte of the body was sent
        assert status == 413
        assert headers["connection"] == "close"
    assert_well(client)


def test_curl_s_question_is_answered_and_the_image_taken(serve: Serve, fake_runtime: FakeRuntime) -> None:
    image = encoded().ljust(2 * MEGABYTE, b"\0")  # curl asks above a megabyte
    with connect(serve()) as connection:
        headers_sent = f"Host: x\r\nContent-Length: {len(image)}\r\nExpect: 100-continue\r\n\r\n"
        connection.sendall(f"POST /predict HTTP/1.1\r\n{headers_sent}".encode())
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(image)
        assert read_answer(connection)[0] == 200
    assert fake_runtime.asked[0].body == image


@pytest.mark.parametrize(
    "content", [b"%PDF-1.7 and so on, page after page", b"only some notes about a dog, and no image"]
)
@pytest.mark.parametrize("as_form", [False, True])
def test_what_is_no_image_is_refused_after_its_first_bytes(
    serve: Serve, fake_runtime: FakeRuntime, content: bytes, as_form: bool
) -> None:
    opening = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n'.encode()
    kind = f"multipart/form-data; boundary={BOUNDARY}" if as_form else "image/jpeg"
    client = serve()
    with connect(client) as connection:
        head = f"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\nContent-Length: {5 * MEGABYTE}\r\n\r\n"
        connection.sendall(head.encode() + (opening if as_form else b"") + content)
        status, headers, body = read_answer(connection)  # nothing more was sent
    assert status == 415
    assert headers["connection"] == "close"
    assert json.loads(body).get("filename") == ("a.jpg" if as_form else None)
    assert_well(client)


def test_a_refusal_says_how_to_have_it_shrunk(serve: Serve, fake_runtime: FakeRuntime) -> None:
    body = serve().post("/predict", content=JPEG.ljust(7 * MEGABYTE, b"\0")).json()
    assert "6,291,456 bytes (6 MiB)" in body["detail"]
    assert "?fit=true" in body["action"]


def test_thirty_megabytes_in_chunks(serve: Serve, fake_runtime: FakeRuntime) -> None:
    client = serve()
    head = "POST /predict HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunk = f"{MEGABYTE:x}\r\n".encode() + b"\xff\xd8\xff".ljust(MEGABYTE, b"\0") + b"\r\n"
    with connect(client) as connection:
        status, _, body = send_all_then_read(connection, head, [chunk] * 30 + [b"0\r\n\r\n"])
        assert status == 413
        assert b"payload-too-large" in body
    assert fake_runtime.asked == []
    assert_well(client)


def test_thirty_megabytes_in_a_form(serve: Serve, fake_runtime: FakeRuntime) -> None:
    client = serve()
    opening = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n'.encode()
    closing = f"\r\n--{BOUNDARY}--\r\n".encode()
    length = len(opening) + 30 * MEGABYTE + len(closing)
    head = (
        f"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary={BOUNDARY}\r\n"
        f"Content-Length: {length}\r\n\r\n"
    )
    with connect(client) as connection:
        status, _, body = send_all_then_read(
            connection, head, [opening, *[b"\xff\xd8\xff".ljust(MEGABYTE, b"\0")] * 30, closing]
        )
        assert status == 413
        assert b"6,291,456 bytes" in body
    assert fake_runtime.asked == []
    assert_well(client)


def test_a_form_larger_than_all_its_images_may_be(serve: Serve, fake_runtime: FakeRuntime) -> None:
    client = serve(max_images=2, max_image_bytes=1000)
    body = client.post("/predict", files={"file": ("a.jpg", b"\0" * 50_000)})
    assert body.status_code == 413
    assert "2 images of 1,000 bytes" in body.json()["detail"]


def test_more_images_than_allowed(serve: Serve, fake_runtime: FakeRuntime) -> None:
    client = serve(max_images=2)
    files = [("file", (f"{index}.jpg", encoded())) for index in range(3)]
    assert client.post("/predict", files=files[:2]).status_code == 200
    fake_runtime.asked.clear()
    response = client.post("/predict", files=files)
    assert response.status_code == 413
    assert "more than 2 images" in response.json()["detail"]
    assert fake_runtime.asked == []


def test_an_endless_upload_is_given_up(
    serve: Serve, fake_runtime: FakeRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unread_body, "MAX_DISCARDED_BYTES", 2 * MEGABYTE)
    client = serve()
    with connect(client) as connection:
        connection.sendall(f"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: {2**40}\r\n\r\n".encode())
        with pytest.raises(ConnectionError):  # at one of the writes
            deadline = time.monotonic() + 20
            while time.monotonic() < deadline:
                connection.sendall(b"\0" * MEGABYTE)
    assert_well(client)


def test_a_stalled_upload_is_given_up(serve: Serve, fake_runtime: FakeRuntime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unread_body, "MAX_DISCARD_SECONDS", 0.2)
    client = serve()
    with connect(client) as connection:
        connection.sendall(f"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: {30 * MEGABYTE}\r\n\r\n\0".encode())
        assert read_answer(connection)[0] == 413
        assert connection.recv(1) == b""
    assert_well(client)


def test_a_client_that_goes_away_in_the_middle(serve: Serve, fake_runtime: FakeRuntime) -> None:
    client = serve()
    for kind in ("image/jpeg", f"multipart/form-data; boundary={BOUNDARY}"):
        with connect(client) as connection:
            head = f"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\nContent-Length: 1000\r\n\r\n"
            connection.sendall(head.encode() + b"--frontier\r\n")
    assert_well(client)


def test_routes_that_read_no_body_answer_too(serve: Serve, fake_runtime: FakeRuntime) -> None:
    client = serve()
    head = f"PUT /predict HTTP/1.1\r\nHost: x\r\nContent-Length: {8 * MEGABYTE}\r\n\r\n"
    with connect(client) as connection:
        status, _, body = send_all_then_read(connection, head, [b"\0" * MEGABYTE] * 8)
        assert status == 405
        assert b"method-not-allowed" in body


def test_the_connection_is_kept_for_the_next_request(serve: Serve, fake_runtime: FakeRuntime) -> None:
    image = encoded()
    request = f"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: {len(image)}\r\n\r\n".encode() + image
    bad = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"
    with connect(serve()) as connection:
        for sent, expected in [(request, 200), (bad, 415), (request, 200)]:
            connection.sendall(sent)
            status, headers, _ = read_answer(connection)
            assert status == expected
            assert headers.get("connection") != "close"


LIMIT = 4096


@pytest.fixture
def small_limit(serve: Serve) -> Callable[..., httpx.Response]:
    """POST /predict of a service that takes images of LIMIT bytes."""
    client = serve(max_image_bytes=LIMIT)
    return lambda **request: client.post("/predict", **request)


@hypothesis_settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)
@given(
    size=st.one_of(st.integers(len(JPEG), 3 * LIMIT), st.integers(LIMIT - 2, LIMIT + 2)),
    how=st.sampled_from(["raw", "chunked", "form"]),
    chunk_bytes=st.integers(1, 2048),
)
def test_exactly_the_limit_is_taken(
    small_limit: Callable[..., httpx.Response], fake_runtime: FakeRuntime, size: int, how: str, chunk_bytes: int
) -> None:
    fake_runtime.asked.clear()
    image = JPEG + b"\0" * (size - len(JPEG))
    requests: dict[str, dict[str, Any]] = {
        "raw": {"content": image},
        "chunked": {"content": (image[at : at + chunk_bytes] for at in range(0, size, chunk_bytes))},
        "form": {"files": {"file": ("a.jpg", image)}},
    }
    response = small_limit(**requests[how])
    if size <= LIMIT:
        assert response.status_code == 200
        assert fake_runtime.asked[0].body == image
    else:
        assert response.status_code == 413
        assert fake_runtime.asked == []


@pytest.mark.parametrize("path", ["/jobs/training", "/jobs/tuning", "/endpoints"])
def test_a_json_body_of_thirty_megabytes(path: str, serve: Serve) -> None:
    client = serve()
    answer = client.post(
        path, content=b'{"name": "' + b"x" * 30 * MEGABYTE + b'"}', headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"] == "The body is larger than 1,048,576 bytes."
    assert_well(client)


def test_a_json_body_in_chunks_that_grows_too_large(serve: Serve) -> None:
    client = serve()
    chunks = (b" " * MEGABYTE for _ in range(8))
    answer = client.post("/jobs/training", content=chunks, headers={"Content-Type": "application/json"})
    assert answer.status_code == 413
    assert answer.json()["type"] == "urn:sagehound:problem:payload-too-large"
    assert_well(client)
