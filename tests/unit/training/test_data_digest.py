"""When two channels hold the same data."""

import os
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from tests.unit.training.scripts import Scripts


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    for name in ("a/1.jpg", "a/2.jpg", "b/1.jpg"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode())
        os.utime(folder / name, (1_000_000_000, 1_000_000_000))
    return folder


class Digests:
    """Digests of folders, and which files were read for them."""

    def __init__(self, scripts: Scripts, monkeypatch: pytest.MonkeyPatch, cache: Path | None) -> None:
        self.scripts = scripts
        self.cache = cache
        self.read: list[str] = []
        original = scripts.data_digest._digest_of_file

        def reading(path: Path) -> str:
            self.read.append(path.name)
            return str(original(path))

        monkeypatch.setattr(scripts.data_digest, "_digest_of_file", reading)

    def of(self, folder: Path) -> Any:
        channel = self.scripts.channels.read_channel("train", {"train": folder})
        return self.scripts.data_digest.data_digest(channel, self.cache, 2, self.scripts.stopping.StopRequest())


def test_names_and_contents_make_it(
    scripts: Scripts, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digests = Digests(scripts, monkeypatch, None)
    first = digests.of(data)
    shutil.copytree(data, tmp_path / "copy")
    os.utime(tmp_path / "copy/a/1.jpg")
    assert digests.of(tmp_path / "copy") == first
    (tmp_path / "copy/a/1.jpg").write_bytes(b"a/9.jpg")
    changed = digests.of(tmp_path / "copy")
    (tmp_path / "copy/a/1.jpg").rename(tmp_path / "copy/a/3.jpg")
    assert len({first, changed, digests.of(tmp_path / "copy")}) == 3


def test_known_files_are_not_read_again(
    scripts: Scripts, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digests = Digests(scripts, monkeypatch, tmp_path / "cache")
    first = digests.of(data)
    assert sorted(digests.read) == ["1.jpg", "1.jpg", "2.jpg"]
    shutil.copytree(data, tmp_path / "copy")  # with their times, as local_sagemaker copies channels
    assert digests.of(tmp_path / "copy") == first
    assert len(digests.read) == 3
    (tmp_path / "copy/b/1.jpg").write_bytes(b"b/2.jpg")  # of the same size
    os.utime(tmp_path / "copy/b/1.jpg", (1_000_000_001, 1_000_000_001))
    assert digests.of(tmp_path / "copy") != first
    assert len(digests.read) == 6


def test_files_that_have_just_been_written_are_always_read(
    scripts: Scripts, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digests = Digests(scripts, monkeypatch, tmp_path / "cache")
    now = time.time()
    os.utime(data / "a/1.jpg", (now, now))
    first = digests.of(data)
    (data / "a/1.jpg").write_bytes(b"a/9.jpg")
    os.utime(data / "a/1.jpg", (now, now))  # within the same tick of the clock
    assert digests.of(data) != first


def test_a_file_that_cannot_be_read_is_part_of_the_data(
    scripts: Scripts, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digests = Digests(scripts, monkeypatch, None)
    first = digests.of(data)
    (data / "a/1.jpg").unlink()
    (data / "a/1.jpg").symlink_to("nowhere")
    assert digests.of(data) != first
