from pathlib import Path

import pytest

from tests.unit.training.scripts import Scripts


def write(folder: Path, *paths: str) -> Path:
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(b"x")
    return folder


def test_files_below_a_class_folder_are_its_images(scripts: Scripts, tmp_path: Path) -> None:
    write(
        tmp_path,
        "b/2.jpg",
        "b/deep/1.jpg",
        "a/1.jpg",
        "a/.hidden",
        ".git/x",
        "b/.cache/1.jpg",
        "README",
        "__MACOSX/a/1",
    )
    (tmp_path / "empty").mkdir()
    channel = scripts.channels.read_channel("train", {"train": tmp_path})
    assert channel.classes == ("a", "b")
    assert channel.paths == ("a/1.jpg", "b/2.jpg", "b/deep/1.jpg")
    assert channel.labels == (0, 1, 1)


def test_another_channel_keeps_the_indices_of_train(scripts: Scripts, tmp_path: Path) -> None:
    write(tmp_path, "c/1.jpg")
    channel = scripts.channels.read_channel("validation", {"validation": tmp_path}, ("a", "b", "c"))
    assert channel.labels == (2,)


def test_a_missing_channel_is_named(scripts: Scripts, tmp_path: Path) -> None:
    with pytest.raises(scripts.errors.ChannelError, match=r'"validation" is missing.*it has: train'):
        scripts.channels.read_channel("validation", {"train": tmp_path})
    with pytest.raises(scripts.errors.ChannelError, match='"train" is missing'):
        scripts.channels.read_channel("train", {"train": tmp_path / "gone"})


def test_a_class_that_train_does_not_have_is_named(scripts: Scripts, tmp_path: Path) -> None:
    write(tmp_path, "a/1.jpg", "zebra/1.jpg")
    with pytest.raises(scripts.errors.ChannelError, match=r'"test" has classes .* zebra'):
        scripts.channels.read_channel("test", {"test": tmp_path}, ("a", "b"))


def test_a_channel_without_class_folders_says_how_it_should_look(scripts: Scripts, tmp_path: Path) -> None:
    write(tmp_path, "1.jpg")
    with pytest.raises(scripts.errors.ChannelError, match="train/CLASS/IMAGE"):
        scripts.channels.read_channel("train", {"train": tmp_path})


def test_one_class_is_nothing_to_learn(scripts: Scripts, tmp_path: Path) -> None:
    write(tmp_path, "a/1.jpg")
    with pytest.raises(scripts.errors.ChannelError, match="one class only"):
        scripts.channels.read_channel("train", {"train": tmp_path})
