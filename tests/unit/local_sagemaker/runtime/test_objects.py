"""Objects: file:// URIs, names in a channel's folder, the cache, and a store that is away."""

import threading
import time
from pathlib import Path

import pytest

from local_sagemaker.runtime import objects
from local_sagemaker.runtime.object_cache import ObjectCache
from local_sagemaker.runtime.objects import (
    BadObjectUri,
    Location,
    ObjectNotFound,
    Objects,
    ObjectsUnreachable,
    relative_name,
)


@pytest.fixture
def store() -> Objects:
    return Objects("")


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
    target = tmp_path / "channel"
    assert store.download_prefix(f"file://{tmp_path}/train/", target) == 2
    assert (target / "a/1").read_text() == "train/a/1"
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
        objects._inside(tmp_path, "../x", "s3://b/../x")


def test_the_cache_fetches_once_and_hands_out_copies(tmp_path: Path) -> None:
    cache = ObjectCache(tmp_path / "cache")
    fetched = []

    def fetch(path: Path) -> None:
        fetched.append(path)
        path.write_text("content")

    for name in ("one", "two"):
        cache.copy("s3://b/k", "etag", tmp_path / name, fetch)
    (tmp_path / "one").write_text("changed by its job")
    cache.copy("s3://b/k", "etag", tmp_path / "three", fetch)
    assert (tmp_path / "three").read_text() == "content"
    assert len(fetched) == 1
    cache.copy("s3://b/k", "another etag", tmp_path / "four", fetch)
    assert len(fetched) == 2


def test_the_cache_keeps_within_its_bounds(tmp_path: Path) -> None:
    def fetch(path: Path) -> None:
        path.write_bytes(b"x" * 100)

    cache = ObjectCache(tmp_path / "cache", max_bytes=250)
    for number in range(5):
        cache.copy("s3://b/k", str(number), tmp_path / "out", fetch)
    assert sum(path.stat().st_size for path in (tmp_path / "cache").rglob("*") if path.is_file()) <= 250


def test_a_store_that_is_away_is_named_after_the_patience() -> None:
    away = Objects("http://127.0.0.1:9", patience_seconds=0.2)
    with pytest.raises(ObjectsUnreachable, match="s3://b/k"):
        away.exists("s3://b/k")


def test_closing_ends_the_patience() -> None:
    away = Objects("http://127.0.0.1:9")
    threading.Timer(0.2, away.close).start()
    started = time.monotonic()
    with pytest.raises(ObjectsUnreachable):
        away.exists("s3://b/k")
    assert time.monotonic() - started < 30
