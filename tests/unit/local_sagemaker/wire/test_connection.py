"""Requests that are refused before their body was read leave the connection in step."""

import base64
import json
import socket
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local_sagemaker.settings import Settings
from tests.unit.local_sagemaker.wire.conftest import served

MEGABYTE = 1024 * 1024


class RawClient:
    """HTTP by hand over one connection."""

    def __init__(self, base_url: str) -> None:
        host, port = base_url.removeprefix("http://").split(":")
        self.socket = socket.create_connection((host, int(port)), timeout=20)
        self._file = self.socket.makefile("rb")

    def send(self, head: str, body: bytes = b"") -> None:
        """Lines of the head are separated by newlines here."""
        self.socket.sendall(head.replace("\n", "\r\n").encode() + b"\r\n\r\n" + body)

    def answer(self) -> tuple[int, dict[str, str], bytes]:
        """Status, headers, body."""
        status = int(self._file.readline().split()[1])
        headers = {}
        while line := self._file.readline().strip().decode():
            name, _, value = line.partition(": ")
            headers[name.lower()] = value
        return status, headers, self._file.read(int(headers.get("content-length", 0)))

    def at_end(self) -> bool:
        """Whether the server closed the connection."""
        return self._file.read(1) == b""

    def close(self) -> None:
        """Close the connection."""
        self._file.close()
        self.socket.close()


@pytest.fixture
def client(base_url: str) -> Iterator[RawClient]:
    """One connection."""
    client = RawClient(base_url)
    yield client
    client.close()


def assert_in_step(client: RawClient) -> None:
    """A good request on the same connection has the right answer."""
    client.send("GET /health HTTP/1.1\nHost: x")
    status, _, body = client.answer()
    assert (status, json.loads(body)) == (200, {"status": "ok"})


def test_a_refused_put(client: RawClient) -> None:
    client.send(
        f"PUT /no-such-bucket/key HTTP/1.1\nHost: x\nContent-Length: {MEGABYTE}", b"GET / HTTP/1.1\r\n\r\n" * 58254
    )
    client.socket.sendall(b"G" * (MEGABYTE - 58254 * 18))
    status, _, body = client.answer()
    assert status == 404
    assert b"NoSuchBucket" in body
    assert_in_step(client)


def test_a_refused_put_in_chunks(client: RawClient) -> None:
    chunks = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    client.send("PUT /no-such-bucket/key HTTP/1.1\nHost: x\nTransfer-Encoding: chunked", chunks * 16 + b"0\r\n\r\n")
    assert client.answer()[0] == 404
    assert_in_step(client)


def test_a_refused_put_of_a_client_that_waits_for_100_continue(client: RawClient) -> None:
    client.send("PUT /no-such-bucket/key HTTP/1.1\nHost: x\nExpect: 100-continue\nContent-Length: 5")
    status, headers, _ = client.answer()
    assert status == 100
    assert not headers
    client.socket.sendall(b"hello")
    assert client.answer()[0] == 404
    assert_in_step(client)


def test_behind_a_large_rest_the_connection_is_closed_and_the_answer_arrives(client: RawClient) -> None:
    client.send(f"PUT /no-such-bucket/key HTTP/1.1\nHost: x\nContent-Length: {64 * MEGABYTE}", b"x" * 64 * MEGABYTE)
    status, headers, body = client.answer()
    assert (status, headers["connection"]) == (404, "close")
    assert b"NoSuchBucket" in body
    assert client.at_end()


def test_an_invocation_that_is_too_large(tmp_path: Path) -> None:
    operations = {("sagemaker-runtime", "InvokeEndpoint"): lambda context, members: {"Body": members["Body"][:3]}}
    with served(Settings(port=0, state_dir=tmp_path, max_invocation_bytes=1000), operations) as base_url:
        client = RawClient(base_url)
        head = "POST /endpoints/dogs/invocations HTTP/1.1\nHost: x\n"
        client.send(head + "Content-Length: 1001", b"x" * 1001)
        status, headers, body = client.answer()
        assert (status, headers["x-amzn-errortype"]) == (400, "ValidationError")
        assert "1000 bytes" in json.loads(body)["Message"]
        client.send(head + "Transfer-Encoding: chunked", b"3e9\r\n" + b"x" * 1001 + b"\r\n0\r\n\r\n")
        assert client.answer()[0] == 400
        client.send(head + "Content-Length: 1000", b"x" * 1000)
        status, headers, body = client.answer()
        assert (status, body) == (200, b"xxx")
        assert headers["x-amzn-requestid"]
        client.send(head + f"Content-Length: {100 * MEGABYTE}\nExpect: 100-continue")
        status, headers, _ = client.answer()
        assert (status, headers["connection"]) == (400, "close")
        assert client.at_end()
        client.close()


def test_a_control_request_that_is_too_large(client: RawClient) -> None:
    head = "POST / HTTP/1.1\nHost: x\nX-Amz-Target: SageMaker.DescribeTrainingJob\n"
    client.send(f"{head}Content-Length: {3 * MEGABYTE}", b" " * 3 * MEGABYTE)
    status, _, body = client.answer()
    assert (status, json.loads(body)["__type"]) == (400, "ValidationException")
    assert_in_step(client)


@pytest.fixture
def bucket(s3: Any) -> str:
    """A bucket."""
    s3.create_bucket(Bucket="chunked-uploads") if not s3.list_buckets()["Buckets"] else None
    return "chunked-uploads"


def chunked(body: bytes, signature: str, trailers: bytes = b"") -> bytes:
    """A body in aws-chunked framing, in chunks of 64 KiB and less."""
    parts = [body[start : start + 65536] for start in range(0, len(body), 65536)]
    return (
        b"".join(b"%x%s\r\n%s\r\n" % (len(part), signature.encode(), part) for part in [*parts, b""])[:-2]
        + trailers
        + b"\r\n"
    )


@pytest.mark.parametrize("kind", ["STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"])
def test_aws_chunked_bodies(client: RawClient, s3: Any, bucket: str, kind: str) -> None:
    body = bytes(range(256)) * 1000
    crc = base64.b64encode(zlib.crc32(body).to_bytes(4, "big"))
    trailing = kind.endswith("TRAILER")
    framed = chunked(
        body,
        "" if trailing else ";chunk-signature=" + "0" * 64,
        b"x-amz-checksum-crc32:" + crc + b"\r\n" if trailing else b"",
    )
    head = (
        f"PUT /{bucket}/key HTTP/1.1\nHost: x\nx-amz-content-sha256: {kind}\nContent-Encoding: aws-chunked,gzip\n"
        f"x-amz-decoded-content-length: {len(body)}\nContent-Length: {len(framed)}"
        + "\nx-amz-trailer: x-amz-checksum-crc32"
        * trailing
    )
    client.send(head, framed)
    assert client.answer()[0] == 200
    got = s3.get_object(Bucket=bucket, Key="key")
    assert got["ContentEncoding"] == "gzip"
    assert got["Body"].read() == body
    assert_in_step(client)
    if trailing:
        client.send(head, framed.replace(crc, b"AAAAAA=="))
        status, _, answer = client.answer()
        assert (status, b"BadDigest" in answer) == (400, True)
    client.send(head.replace(f"length: {len(body)}", f"length: {len(body) + 1}"), framed)
    assert client.answer()[0] == 400
    client.send(head, b"nonsense".ljust(len(framed), b"x"))
    assert client.answer()[0] == 400
    assert_in_step(client)
    assert s3.get_object(Bucket=bucket, Key="key")["Body"].read() == body


def test_an_upload_that_breaks_off_leaves_nothing(base_url: str, s3: Any, bucket: str, state_dir: Path) -> None:
    client = RawClient(base_url)
    client.send(f"PUT /{bucket}/broken HTTP/1.1\nHost: x\nContent-Length: {MEGABYTE}", b"x" * 1000)
    client.close()
    s3.put_object(Bucket=bucket, Key="after", Body=b"1")
    keys = [one["Key"] for one in s3.list_objects_v2(Bucket=bucket)["Contents"]]
    assert "after" in keys
    assert "broken" not in keys
    assert not (state_dir / "buckets" / bucket / "broken").exists()
