"""Objects: file:// URIs, buckets as folders, names in a channel's folder, and a store that is away."""

import errno
import os
import threading
import time
from pathlib import Path

import pytest

from local_sagemaker.runtime import object_files
from local_sagemaker.runtime.object_files import Found
from local_sagemaker.runtime.object_location import Location, relative_name
from local_sagemaker.runtime.objects import BadObjectUri, ObjectNotFound, Objects, ObjectsUnreachable


@pytest.fixture
def store(tmp_path: Path) -> Objects:
    return Objects("", tmp_path / "buckets")


@pytest.mark.parametrize(
    ("key", "prefix", "name"),
    [
        ("data/train/a/1.jpg", "data/train", "a/1.jpg"),
        ("data/train/a/1.jpg", "data/train/", "a/1.jpg"),
        ("data/train2/1.jpg", "data/train", "train2/1.jpg"),
        ("data/file.csv", "data/file.csv", "file.csv"),
        ("data/file.csv", "", "data/file.csv"),
        ("file.csv", "fi", "file.csv"),
    ],
)
def test_names_lose_the_prefixs_folder(key: str, prefix: str, name: str) -> None:
    assert relative_name(key, prefix) == name


def test_locations() -> None:
    assert Location.parse("s3://bucket/a b/?#%20") == Location("bucket", "a b/?#%20")
    assert Location.parse("s3://bucket") == Location("bucket", "")
    assert Location.parse("file:///data/a%20b") == Location(None, "/data/a b")
    for uri in ("https://x/y", "/data/x", "s3:///x", "file://host/x"):
        with pytest.raises(BadObjectUri):
            Location.parse(uri)


def test_a_folder_is_a_prefix(tmp_path: Path, store: Objects) -> None:
    for name in ("train/a/1", "train/2", "train-more/3"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    os.utime(tmp_path / "train/a/1", ns=(1, 1_234_567_890_123_456_789))
    target = tmp_path / "channel"
    assert store.download_prefix(f"file://{tmp_path}/train/", target) == 2
    assert (target / "a/1").read_text() == "train/a/1"
    assert (target / "a/1").stat().st_mtime_ns == 1_234_567_890_123_456_789
    assert store.download_prefix(f"file://{tmp_path}/train", tmp_path / "other") == 3
    assert (tmp_path / "other/train-more/3").exists()
    with pytest.raises(ObjectNotFound, match="nothing"):
        store.download_prefix(f"file://{tmp_path}/nothing", target)


def test_files_come_and_go(tmp_path: Path, store: Objects) -> None:
    (tmp_path / "a").write_text("1")
    uri = f"file://{tmp_path}/deep/b"
    assert not store.exists(uri)
    store.upload_file(tmp_path / "a", uri)
    assert store.exists(uri)
    store.download_file(uri, tmp_path / "c")
    assert (tmp_path / "c").read_text() == "1"
    with pytest.raises(ObjectNotFound, match="does not exist"):
        store.download_file(f"file://{tmp_path}/none", tmp_path / "d")
    assert store.upload_folder(tmp_path / "deep", f"file://{tmp_path}/copy", ["b", "gone-meanwhile"]) == 1
    assert (tmp_path / "copy/b").read_text() == "1"


def test_an_object_cannot_leave_its_folder(tmp_path: Path) -> None:
    with pytest.raises(BadObjectUri, match="would leave"):
        Objects("", tmp_path).download([Found("s3://b/../x", tmp_path / "x", "../x")], tmp_path / "channel")


def test_buckets_are_read_where_they_lie(tmp_path: Path) -> None:
    bucket = tmp_path / "buckets/data"
    for name in ("train/a/1", "train/a-b", "train/2", "train-more/3", ".nanio-meta/train/2.json"):
        (bucket / name).parent.mkdir(parents=True, exist_ok=True)
        (bucket / name).write_text(name)
    (bucket / "train/link").symlink_to(bucket / "train/2")
    store = Objects("", tmp_path / "buckets")
    # S3's order: that of the whole keys, where - comes before /
    assert [found.uri for found in store.below("s3://data/train")] == [
        "s3://data/train-more/3",
        "s3://data/train/2",
        "s3://data/train/a-b",
        "s3://data/train/a/1",
    ]
    assert [found.name for found in store.below("s3://data/train/a")] == ["a-b", "1"]
    assert [found.name for found in store.below("s3://data")][-1] == "train/a/1"
    assert store.exists("s3://data/train/2")
    for absent in ("train/link", "train", "train/2/x", "../data/train/2", ".nanio-meta/train/2.json", "x" * 2000):
        assert not store.exists(f"s3://data/{absent}")
    assert not store.any_exists("s3://data/train/../train")
    for absent in ("s3://none/x", "s3://../x", "s3://UPPER/x"):
        with pytest.raises(ObjectNotFound, match="bucket"):
            store.below(absent)
    with pytest.raises(ObjectNotFound, match="no key"):
        store.below("s3://data/nothing")


def test_a_job_owns_its_copy(tmp_path: Path) -> None:
    original = tmp_path / "buckets/data/x"
    original.parent.mkdir(parents=True)
    original.write_text("content")
    Objects("", tmp_path / "buckets").download_prefix("s3://data/", tmp_path / "channel")
    (tmp_path / "channel/x").write_text("changed by the script")
    assert original.read_text() == "content"


def test_copies_where_the_kernel_cannot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise OSError(errno.EXDEV, "another file system")

    (tmp_path / "a").write_bytes(b"x" * 100_000)
    monkeypatch.setattr(os, "copy_file_range", refuse)
    object_files.copy_file(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "b").read_bytes() == b"x" * 100_000


def test_names_that_meet_are_refused(tmp_path: Path, store: Objects) -> None:
    (tmp_path / "a").write_text("1")
    one, two = Found("s3://b/p/x", tmp_path / "a", "x"), Found("s3://b/px", tmp_path / "a", "x")
    with pytest.raises(BadObjectUri, match="would be the file x, which another object is already"):
        store.download([one, two], tmp_path / "channel")
    with pytest.raises(BadObjectUri, match="would be the file x, which another object is already"):
        store.download([one, Found("s3://b/p/x/y", tmp_path / "a", "x/y")], tmp_path / "other")
    with pytest.raises(BadObjectUri, match="s3://b/p/x/y would lie in a folder that another object is as a file"):
        store.download([Found("s3://b/p/x/y", tmp_path / "a", "x/y")], tmp_path / "channel")


def test_a_store_that_is_away_is_named_after_the_patience(tmp_path: Path) -> None:
    away = Objects("http://127.0.0.1:9", tmp_path, patience_seconds=0.2)
    (tmp_path / "x").write_text("x")
    with pytest.raises(ObjectsUnreachable, match="s3://b/k"):
        away.upload_file(tmp_path / "x", "s3://b/k")


def test_closing_ends_the_patience(tmp_path: Path) -> None:
    away = Objects("http://127.0.0.1:9", tmp_path)
    (tmp_path / "x").write_text("x")
    threading.Timer(0.2, away.close).start()
    started = time.monotonic()
    with pytest.raises(ObjectsUnreachable):
        away.upload_file(tmp_path / "x", "s3://b/k")
    assert time.monotonic() - started < 30
