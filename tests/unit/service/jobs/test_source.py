"""The same files give the same archive, and only files that belong to the source are in it."""

import io
import os
import tarfile
from pathlib import Path

import pytest

from service.aws.clients import Clients
from service.domain import source
from service.errors import InternalError, InvalidRequest
from tests.unit.service.jobs.fake_aws import FakeAws


def write(folder: Path, files: dict[str, str]) -> Path:
    """Make the files with their folders."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def members(archive: bytes) -> dict[str, tarfile.TarInfo]:
    """What is in the archive."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return {member.name: member for member in tar}


def test_only_source_is_packed_sorted_at_the_top_level(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "train_model.py": "train", "data/loading.py": "load", "requirements.txt": "", ".git/config": "no",
            "__pycache__/a.cpython-311.pyc": "no", "tests/test_a.py": "no", ".env": "no", "data/b.pyc": "no",
        },
    )  # fmt: skip
    assert list(members(source.pack(tmp_path))) == ["data/loading.py", "requirements.txt", "train_model.py"]


def test_time_and_owner_do_not_count_but_content_does(tmp_path: Path) -> None:
    one = write(tmp_path / "one", {"b.py": "b", "a.py": "a"})
    two = write(tmp_path / "two", {"a.py": "a", "b.py": "b"})
    os.utime(two / "a.py", (1, 1))
    (two / "b.py").chmod(0o600)
    assert source.pack(one) == source.pack(two)
    assert all(member.mtime == 0 and member.uid == 0 for member in members(source.pack(one)).values())
    (two / "a.py").write_text("c")
    assert source.pack(one) != source.pack(two)


def test_executable_files_stay_executable(tmp_path: Path) -> None:
    write(tmp_path, {"run.sh": "#!/bin/sh", "a.py": "a"})
    (tmp_path / "run.sh").chmod(0o755)
    packed = members(source.pack(tmp_path))
    assert (packed["run.sh"].mode, packed["a.py"].mode) == (0o755, 0o644)


def test_uploaded_once_under_its_digest(tmp_path: Path, clients: Clients, aws: FakeAws) -> None:
    write(tmp_path, {"a.py": "a"})
    first = source.upload(clients, "dogs", tmp_path)
    assert source.upload(clients, "dogs", tmp_path) == first
    assert first.startswith("s3://dogs/sagehound/source/")
    assert first.endswith("/sourcedir.tar.gz")
    assert [path for path, _ in aws.asked].count("PUT") == 1
    assert list(members(aws.objects[first.removeprefix("s3:/")])) == ["a.py"]


def test_unknown_entry_point_names_those_there_are(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": "a", "lib/b.py": "b", "c.txt": ""})
    source.check_entry_point(tmp_path, "lib/b.py")
    with pytest.raises(InvalidRequest, match=r"no script train\.py .* top level are: a\.py\."):
        source.check_entry_point(tmp_path, "train.py")


def test_missing_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(InternalError, match="is not there") as caught:
        source.pack(tmp_path / "nowhere")
    assert "SAGEHOUND_TRAINING_SOURCE_DIR" in caught.value.action
