"""Archives: what is refused, and that packing and unpacking are each other's opposite."""

import io
import random
import tarfile
from pathlib import Path
from typing import Literal

import pytest

from local_sagemaker.runtime.archive import BadArchive, extract, pack


def archive_of(path: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    """A tar.gz of the given members."""
    with tarfile.open(path, "w:gz") as tar:
        for info, content in members:
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


def link(name: str, target: str) -> tarfile.TarInfo:
    """A symbolic link member."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname = tarfile.SYMTYPE, target
    return info


def test_pack_and_extract_are_opposites(tmp_path: Path) -> None:
    source = tmp_path / "model"
    (source / "code").mkdir(parents=True)
    (source / "weights.bin").write_bytes(bytes(range(256)) * 100)
    (source / "code" / "inference.py").write_text("x = 1\n")
    pack(source, tmp_path / "model.tar.gz")
    extract(tmp_path / "model.tar.gz", tmp_path / "out")
    assert (tmp_path / "out" / "weights.bin").read_bytes() == (source / "weights.bin").read_bytes()
    assert (tmp_path / "out" / "code" / "inference.py").read_text() == "x = 1\n"
    with tarfile.open(tmp_path / "model.tar.gz") as tar:
        assert sorted(tar.getnames()) == ["code", "code/inference.py", "weights.bin"]


@pytest.mark.parametrize(
    "member",
    [tarfile.TarInfo("../escape"), tarfile.TarInfo("a/../../escape"), link("l", "/etc/passwd"), link("l", "../../x")],
)
def test_nothing_leaves_the_folder(tmp_path: Path, member: tarfile.TarInfo) -> None:
    with pytest.raises(BadArchive, match=r"bad\.tar\.gz"):
        extract(archive_of(tmp_path / "bad.tar.gz", (member, b"")), tmp_path / "out" / "deep")
    assert not (tmp_path / "escape").exists()
    assert not (tmp_path / "out" / "escape").exists()


def test_an_absolute_name_lands_inside(tmp_path: Path) -> None:
    extract(archive_of(tmp_path / "a.tar.gz", (tarfile.TarInfo("/etc/name"), b"x")), tmp_path / "out")
    assert (tmp_path / "out" / "etc" / "name").read_bytes() == b"x"


def test_the_sdks_empty_root_member_is_passed_over(tmp_path: Path) -> None:
    root = tarfile.TarInfo("")
    root.type = tarfile.DIRTYPE
    extract(archive_of(tmp_path / "a.tar.gz", (root, b""), (tarfile.TarInfo("model.pth"), b"w")), tmp_path / "out")
    assert (tmp_path / "out" / "model.pth").read_bytes() == b"w"


@pytest.mark.parametrize("content", [b"", b"no archive at all", b"\x1f\x8b\x08\x00broken"])
def test_a_broken_archive_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "model.tar.gz").write_bytes(content)
    with pytest.raises(BadArchive, match=r"model\.tar\.gz cannot be unpacked"):
        extract(tmp_path / "model.tar.gz", tmp_path / "out")


def test_a_truncated_archive_is_named(tmp_path: Path) -> None:
    (tmp_path / "f").mkdir()
    (tmp_path / "f" / "weights").write_bytes(bytes(range(256)) * 4000)
    pack(tmp_path / "f", tmp_path / "model.tar.gz")
    whole = (tmp_path / "model.tar.gz").read_bytes()
    (tmp_path / "model.tar.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BadArchive):
        extract(tmp_path / "model.tar.gz", tmp_path / "out")


@pytest.mark.parametrize("mode", ["w:gz", "w:xz"])
def test_an_archive_that_was_damaged_on_its_way_is_named(tmp_path: Path, mode: Literal["w:gz", "w:xz"]) -> None:
    (tmp_path / "weights").write_bytes(random.Random(0).randbytes(100_000))
    damaged = tmp_path / "model.tar"
    with tarfile.open(damaged, mode) as tar:
        tar.add(tmp_path / "weights", "weights")
    content = bytearray(damaged.read_bytes())
    content[50_000] ^= 1
    damaged.write_bytes(content)
    with pytest.raises(BadArchive):
        extract(damaged, tmp_path / "out")
