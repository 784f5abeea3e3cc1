"""Zips that are not trusted."""

import zipfile
from pathlib import Path

import pytest

from datasets.unzip import BadArchive, unzip_images


def zip_of(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, data in members.items():
            zipped.writestr(name, data)
    return path


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_images_come_out_and_nothing_else(tmp_path: Path) -> None:
    members = {
        "dogImages/train/001.Affenpinscher/a.jpg": b"a",
        "dogImages/valid/001.Affenpinscher/b.JPG": b"b",
        "dogImages/test/001.Affenpinscher/c.png": b"c",
        "dogImages/.DS_Store": b"x",
        "dogImages/train/001.Affenpinscher/.DS_Store": b"x",
        "dogImages/train/001.Affenpinscher/Thumbs.db": b"x",
        "dogImages/train/001.Affenpinscher/._a.jpg": b"x",
        "__MACOSX/train/001.Affenpinscher/d.jpg": b"x",
        "dogImages/notes/001.Affenpinscher/e.jpg": b"x",
        "dogImages/train/f.jpg": b"x",
    }
    names = unzip_images(zip_of(tmp_path / "a.zip", members), tmp_path / "out")
    expected = {
        "test/001.Affenpinscher/c.png": b"c",
        "train/001.Affenpinscher/a.jpg": b"a",
        "valid/001.Affenpinscher/b.JPG": b"b",
    }
    assert files(tmp_path / "out") == expected
    assert names == list(expected)


def test_it_goes_on(tmp_path: Path) -> None:
    archive = zip_of(tmp_path / "a.zip", {"train/1.A/a.jpg": b"aaaa", "train/1.A/b.jpg": b"bbbb"})
    unzip_images(archive, tmp_path / "out")
    kept = tmp_path / "out/train/1.A/a.jpg"
    kept.write_bytes(b"same")  # the size decides
    (tmp_path / "out/train/1.A/b.jpg").write_bytes(b"cut")
    unzip_images(archive, tmp_path / "out")
    assert files(tmp_path / "out") == {"train/1.A/a.jpg": b"same", "train/1.A/b.jpg": b"bbbb"}


@pytest.mark.parametrize(
    "name",
    ["../train/1.A/a.jpg", "/train/1.A/a.jpg", "train/../a.jpg", "train/1.A/..\\..\\a.jpg", "x/../../train/1.A/a.jpg"],
)
def test_members_that_would_leave_the_folder(tmp_path: Path, name: str) -> None:
    archive = zip_of(tmp_path / "a.zip", {"train/1.A/good.jpg": b"good", name: b"bad"})
    with pytest.raises(BadArchive, match="leave its folder"):
        unzip_images(archive, tmp_path / "deep" / "out")
    assert [path.name for path in tmp_path.rglob("*")] == ["a.zip"]


def test_links(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as zipped:
        link = zipfile.ZipInfo("train/1.A/a.jpg")
        link.external_attr = 0o120777 << 16
        zipped.writestr(link, "/etc/passwd")
    with pytest.raises(BadArchive, match="link"):
        unzip_images(tmp_path / "a.zip", tmp_path / "out")


def test_two_members_of_one_name(tmp_path: Path) -> None:
    archive = zip_of(tmp_path / "a.zip", {"x/train/1.A/a.jpg": b"1", "y/train/1.A/a.jpg": b"2"})
    with pytest.raises(BadArchive, match="two images"):
        unzip_images(archive, tmp_path / "out")


def test_a_bomb(tmp_path: Path) -> None:
    archive = zip_of(tmp_path / "a.zip", {"train/1.A/a.jpg": bytes((64 << 20) + 1)})
    assert archive.stat().st_size < 100_000
    with pytest.raises(BadArchive, match="unpacks to"):
        unzip_images(archive, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_damaged(tmp_path: Path) -> None:
    archive = zip_of(tmp_path / "a.zip", {f"train/1.A/{n}.jpg": bytes([n]) * 1000 for n in range(20)})
    whole = archive.read_bytes()
    flipped = bytearray(whole)
    flipped[60:90] = bytes(30)
    for damaged in (whole[: len(whole) // 2], b"", b"no zip at all", bytes(flipped)):
        archive.write_bytes(damaged)
        with pytest.raises(BadArchive, match="damaged or no zip"):
            unzip_images(archive, tmp_path / "out")
