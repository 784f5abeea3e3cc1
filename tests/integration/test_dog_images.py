"""Both data-set commands against real servers on loopback: an origin that breaks off, an S3 that keeps files."""

import io
import os
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
import urllib3
from mypy_boto3_s3 import S3Client

from datasets import dog_images, drawn, upload
from datasets.dog_images import Contents
from tests.unit.datasets.origin import Origin, serving

EXPECTED = Contents(breeds=3, train=6, valid=3, test=3)
BREEDS = ("001.Affenpinscher", "002.Afghan_hound", "003.Airedale_terrier")


def archive(breeds: tuple[str, ...] = BREEDS) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as zipped:
        for breed in breeds:
            for split, count in (("train", 2), ("valid", 1), ("test", 1)):
                for number in range(count):
                    name = zipfile.ZipInfo(f"dogImages/{split}/{breed}/{number}.jpg")  # of 1980: always the same bytes
                    zipped.writestr(name, f"{split} {breed} {number}" * 500)
    return stream.getvalue()


@pytest.fixture(scope="module")
def s3_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder = tmp_path_factory.mktemp("s3")
    server = subprocess.Popen(
        [sys.executable, "-m", "nanio", "serve", "--host", "127.0.0.1", "--port", str(port), "--no-access-log"],
        env={
            **os.environ,
            "NANIO_DATA_DIR": str(folder),
            "NANIO_ACCESS_KEY": "test",
            "NANIO_SECRET_KEY": "secretsecret",
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        with urllib3.PoolManager(retries=False) as pool:
            deadline = time.monotonic() + 30
            while True:
                try:
                    pool.request("GET", url)
                    break
                except urllib3.exceptions.HTTPError:
                    assert server.poll() is None, "nanio ended"
                    assert time.monotonic() < deadline, "nanio does not answer"
                    time.sleep(0.05)
        yield url
    finally:
        server.terminate()
        server.wait()


@pytest.fixture
def s3(s3_url: str, monkeypatch: pytest.MonkeyPatch) -> S3Client:
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secretsecret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    return boto3.session.Session().client("s3")


def keys(s3: S3Client, bucket: str) -> list[str]:
    return [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]


def test_fetched_over_a_bad_line_checked_and_uploaded(
    tmp_path: Path, s3: S3Client, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(Origin(archive(), faults=["cut 3000", "cut 3000"])) as origin:
        arguments = [str(tmp_path), "--url", origin.url, "--upload", "s3://dog-images/real/"]
        assert dog_images.main(arguments, EXPECTED) == 0
        assert origin.statuses == [200, 206, 206]
        first = capsys.readouterr().out
        assert dog_images.main(arguments, EXPECTED) == 0
        assert origin.statuses == [200, 206, 206], "a set that is there costs no request"
    assert "3 breeds with 6 images in train, 3 in valid, 3 in test are in" in first
    assert "12 files were uploaded to s3://dog-images/real/, 0 were there already" in first
    assert "0 files were uploaded to s3://dog-images/real/, 12 were there already" in capsys.readouterr().out
    assert not list(tmp_path.glob("*.zip*"))
    name = "train/002.Afghan_hound/1.jpg"
    assert len(keys(s3, "dog-images")) == 12
    stored = s3.get_object(Bucket="dog-images", Key=f"real/{name}")
    assert stored["Body"].read() == (tmp_path / name).read_bytes()
    assert stored["ContentType"] == "image/jpeg"


def test_what_changed_is_sent_again(tmp_path: Path, s3: S3Client) -> None:
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / name).write_bytes(name.encode())
    assert upload.upload(tmp_path, ["a.jpg", "b.jpg"], "s3://changes") == 2
    (tmp_path / "a.jpg").write_bytes(b"A.jpg")  # the same size
    assert upload.upload(tmp_path, ["a.jpg", "b.jpg"], "s3://changes") == 1
    assert s3.get_object(Bucket="changes", Key="a.jpg")["Body"].read() == b"A.jpg"


def test_wrong_counts_are_told_and_the_archive_goes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with serving(Origin(archive(BREEDS[:2]))) as origin:
        assert dog_images.main([str(tmp_path), "--url", origin.url], EXPECTED) == 1
        error = capsys.readouterr().err
        assert "should have 3 breeds with 6 images in train, 3 in valid, 3 in test" in error
        assert "found 2 breeds with 4 images in train, 2 in valid, 2 in test" in error
        assert not list(tmp_path.glob("*.zip*"))
        origin.content, origin.etag = archive(), '"two"'
        assert dog_images.main([str(tmp_path), "--url", origin.url], EXPECTED) == 0


def test_a_truncated_archive_is_told_and_fetched_anew(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with serving(Origin(archive()[:-500])) as origin:
        assert dog_images.main([str(tmp_path), "--url", origin.url], EXPECTED) == 1
        assert "damaged or no zip" in capsys.readouterr().err
        origin.content, origin.etag = archive(), '"two"'
        assert dog_images.main([str(tmp_path), "--url", origin.url, "--keep-archive"], EXPECTED) == 0
    assert (tmp_path / "dogImages.zip").read_bytes() == archive()


def test_images_of_somebody_else_among_the_set(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stranger = tmp_path / "train" / "001.Affenpinscher" / "cat.jpg"
    stranger.parent.mkdir(parents=True)
    stranger.write_bytes(b"cat")
    with serving(Origin(archive())) as origin:
        assert dog_images.main([str(tmp_path), "--url", origin.url], EXPECTED) == 1
    assert "1 images that are not of the set, such as train/001.Affenpinscher/cat.jpg" in capsys.readouterr().err
    assert stranger.read_bytes() == b"cat"


def test_no_such_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with serving(Origin(b"", faults=["status 404"])) as origin:
        assert dog_images.main([str(tmp_path), "--url", origin.url], EXPECTED) == 1
    assert "404" in capsys.readouterr().err


def test_drawn_dogs_go_to_s3(tmp_path: Path, s3: S3Client, capsys: pytest.CaptureFixture[str]) -> None:
    options = [str(tmp_path / "dogs"), "--images-per-breed", "6", "--size", "32", "--upload", "s3://drawn/dogs"]
    assert drawn.main(options) == 0
    assert "49 files were uploaded to s3://drawn/dogs" in capsys.readouterr().out
    there = keys(s3, "drawn")
    assert len(there) == 49
    assert {"dogs/README.txt", "dogs/train/008.Pug/Pug_00006.jpg"} <= set(there)


def test_s3_that_refuses(
    tmp_path: Path, s3: S3Client, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    options = [str(tmp_path / "dogs"), "--images-per-breed", "6", "--size", "32", "--upload", "s3://refused"]
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrongwrong")
    assert drawn.main(options) == 1
    assert "s3://refused cannot be opened" in capsys.readouterr().err
