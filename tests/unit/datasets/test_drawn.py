"""The drawn set: layout, determinism, and a folder that is not its own."""

import json
from pathlib import Path

import pytest
from PIL import Image

from datasets import drawn
from datasets.breeds import BREEDS
from datasets.drawn import FolderTaken, Settings, draw_set

SMALL = Settings(seed=7, images_per_breed=6, size=48)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("drawn") / "dogs"
    draw_set(folder, SMALL)
    return folder


def test_layout(folder: Path) -> None:
    files = contents(folder)
    images = [name for name in files if name.endswith(".jpg")]
    assert sorted(set(files) - set(images)) == ["README.txt", "drawn.json"]
    assert "not photographs" in files["README.txt"].decode()
    counts = {split: {b.folder: 0 for b in BREEDS} for split in ("train", "valid", "test")}
    for name in images:
        split, breed, _ = name.split("/")
        counts[split][breed] += 1
    assert {split: set(of.values()) for split, of in counts.items()} == {"train": {4}, "valid": {1}, "test": {1}}
    with Image.open(folder / images[0]) as image:
        assert (image.format, image.mode, image.size) == ("JPEG", "RGB", (48, 48))


def test_breeds_are_numbered_like_the_real_set() -> None:
    assert len(BREEDS) == 8
    for number, breed in enumerate(BREEDS, 1):
        assert breed.folder.startswith(f"{number:03d}.")
        assert breed.folder[4:].replace("_", "").isalpha()
    assert [breed.folder for breed in BREEDS] == sorted(breed.folder for breed in BREEDS)


def test_the_same_seed_draws_the_same_and_another_another(folder: Path, tmp_path: Path) -> None:
    draw_set(tmp_path / "same", SMALL)
    assert contents(tmp_path / "same") == contents(folder)
    draw_set(tmp_path / "other", Settings(seed=8, images_per_breed=6, size=48))
    images = {name: data for name, data in contents(tmp_path / "other").items() if name.endswith(".jpg")}
    assert not set(images.values()) & set(contents(folder).values())


def test_no_two_pictures_are_alike(folder: Path) -> None:
    images = [data for name, data in contents(folder).items() if name.endswith(".jpg")]
    assert len(set(images)) == len(images) == 48


def test_a_picture_keeps_its_looks_when_the_set_grows(folder: Path, tmp_path: Path) -> None:
    names = draw_set(tmp_path / "more", Settings(seed=7, images_per_breed=8, size=48))
    name = next(name for name in names if name.endswith("Pug_00006.jpg"))
    assert (tmp_path / "more" / name).read_bytes() == (folder / name).read_bytes()


def test_only_what_is_missing_is_drawn(tmp_path: Path) -> None:
    draw_set(tmp_path, SMALL)
    before = contents(tmp_path)
    lost, kept = tmp_path / "test/008.Pug/Pug_00001.jpg", tmp_path / "test/001.Beagle/Beagle_00001.jpg"
    lost.unlink()
    (tmp_path / "README.txt").unlink()
    age = kept.stat().st_mtime_ns
    draw_set(tmp_path, SMALL)
    assert contents(tmp_path) == before
    assert kept.stat().st_mtime_ns == age


def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(FolderTaken, match="not made by this command"):
        draw_set(tmp_path, SMALL)
    with pytest.raises(FolderTaken):
        draw_set(tmp_path / "thesis.txt", SMALL)
    assert contents(tmp_path) == {"thesis.txt": b"years of work"}


def test_a_set_of_other_settings_is_left_alone(folder: Path) -> None:
    before = contents(folder)
    with pytest.raises(FolderTaken, match="other settings"):
        draw_set(folder, Settings(seed=9, images_per_breed=6, size=48))
    assert contents(folder) == before


def test_a_damaged_manifest_is_no_licence(tmp_path: Path) -> None:
    (tmp_path / "drawn.json").write_text("{")
    with pytest.raises(FolderTaken):
        draw_set(tmp_path, SMALL)


@pytest.mark.parametrize(
    "arguments",
    [["--images-per-breed", "5"], ["--size", "8"], ["--size", "5000"], ["--seed", "x"], ["--upload", "bucket/prefix"]],
)
def test_bad_options(tmp_path: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        drawn.main([str(tmp_path), *arguments])
    assert caught.value.code == 2
    assert arguments[0] in capsys.readouterr().err


def test_the_command(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = [str(folder), "--images-per-breed", "6", "--size", "48"]
    assert drawn.main(options) == 0
    assert "48 drawn images of 8 breeds" in capsys.readouterr().out
    assert drawn.main([*options, "--seed", "1"]) == 1
    assert "other settings" in capsys.readouterr().err
    assert json.loads((folder / "drawn.json").read_text())["seed"] == 7
