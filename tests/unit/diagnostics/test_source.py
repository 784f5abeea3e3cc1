"""A folder as a source."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnostics.source import FileMissing, Folder

NAMES = ("index/000000000/000000000001_worker_0.json", "index/000000001/000000001000_worker_0.json", "index.ts")


def _written(root: Path) -> Folder:
    for name in (*NAMES, "index/000000001/000000001001_worker_0.json.tmp"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"0123456789")
    return Folder(root)


def test_names_are_sorted_and_leave_out_what_is_being_written(tmp_path: Path) -> None:
    assert _written(tmp_path).names() == sorted(NAMES)


def test_a_folder_that_is_not_there_has_no_files(tmp_path: Path) -> None:
    assert Folder(tmp_path / "none").names() == []


@given(prefix=st.sampled_from(["", "i", "index/", "index/000000001/", "x"]), cut=st.integers(0, 45))
def test_names_by_prefix_and_after_are_those_of_all(
    tmp_path_factory: pytest.TempPathFactory, prefix: str, cut: int
) -> None:
    folder = _written(tmp_path_factory.mktemp("source"))
    after = NAMES[1][:cut]
    assert folder.names(prefix, after) == [name for name in sorted(NAMES) if name.startswith(prefix) and name > after]


def test_reads_a_part_and_all(tmp_path: Path) -> None:
    folder = _written(tmp_path)
    assert folder.read("index.ts", 3, 4) == b"3456"
    assert folder.read("index.ts", 8) == b"89"


@pytest.mark.parametrize("name", ["none", "index", "index.ts/none"])
def test_what_is_no_file_is_missing(tmp_path: Path, name: str) -> None:
    with pytest.raises(FileMissing, match=name):
        _written(tmp_path).read(name)


def test_links_to_folders_and_to_themselves_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "events").mkdir()
    (tmp_path / "events/a").touch()
    (tmp_path / "events/up").symlink_to(tmp_path)
    (tmp_path / "events/self").symlink_to("self")
    (tmp_path / "events/to-a").symlink_to("a")
    os.mkfifo(tmp_path / "events/pipe")  # reading it would wait for ever
    assert Folder(tmp_path).names() == ["events/a", "events/to-a"]
