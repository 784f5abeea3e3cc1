"""Files of a cache: read as they were written, or not at all."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.unit.training.scripts import Scripts


def some_part(scripts: Scripts) -> Any:
    arrays = [np.arange(12, dtype=np.uint8).reshape(3, 4), np.full((2, 2), 7, np.uint8)]
    return scripts.part_file.part_in_memory({"images": [[0, 3, 4], "no image"]}, arrays)


def test_what_was_written_is_read_as_it_was(scripts: Scripts, tmp_path: Path) -> None:
    path = tmp_path / "0.part"
    scripts.part_file.write_part(path, some_part(scripts))
    part = scripts.part_file.read_part(path)
    assert part.header["images"] == [[0, 3, 4], "no image"]
    assert (part.array(0, (3, 4), np.uint8) == np.arange(12).reshape(3, 4)).all()
    assert (part.array(12, (2, 2), np.uint8) == 7).all()
    assert [each.name for each in tmp_path.iterdir()] == ["0.part"]
    with pytest.raises(ValueError, match="read-only"):
        part.array(0, (3, 4), np.uint8)[0, 0] = 1


def test_floats_keep_their_shape_and_an_empty_part_has_none(scripts: Scripts, tmp_path: Path) -> None:
    features = np.random.default_rng(0).standard_normal((5, 3)).astype(np.float32)
    for number, array in enumerate((features, np.zeros((0, 0), np.float32))):
        path = tmp_path / f"{number}.part"
        scripts.part_file.write_part(path, scripts.part_file.part_in_memory({"shape": array.shape}, [array]))
        part = scripts.part_file.read_part(path)
        assert (part.array(0, part.header["shape"], np.float32) == array).all()


def test_parts_of_files_are_no_parts(scripts: Scripts, tmp_path: Path) -> None:
    path = tmp_path / "0.part"
    scripts.part_file.write_part(path, some_part(scripts))
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        assert scripts.part_file.read_part(path) is None, length
    path.write_bytes(b"x" + whole[1:])
    assert scripts.part_file.read_part(path) is None
    assert scripts.part_file.read_part(tmp_path / "missing") is None


def test_what_cannot_be_written_leaves_nothing(
    scripts: Scripts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(scripts.part_file.os, "fdatasync", full)
    with pytest.raises(OSError, match="No space left"):
        scripts.part_file.write_part(tmp_path / "0.part", some_part(scripts))
    assert list(tmp_path.iterdir()) == []
