import itertools
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from tests.unit.training.scripts import Scripts

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("images", "size", "lengths"), [(10, 4, [4, 4, 2]), (9, 4, [4, 5]), (1, 4, [1]), (8, 4, [4, 4])]
)
def test_every_image_once_and_no_single_one_last(scripts: Scripts, images: int, size: int, lengths: list[int]) -> None:
    for seed in (None, 3):
        batches = scripts.order.Order(images, size, seed).epoch(1)
        assert [len(batch) for batch in batches] == lengths
        assert sorted(itertools.chain(*batches)) == list(range(images))


def test_the_order_depends_on_seed_and_epoch_alone(scripts: Scripts) -> None:
    orders = [scripts.order.Order(50, 50, seed).epoch(epoch)[0] for seed in (1, 2) for epoch in (1, 2)]
    assert orders == [scripts.order.Order(50, 50, seed).epoch(epoch)[0] for seed in (1, 2) for epoch in (1, 2)]
    assert len({tuple(order) for order in orders}) == 4
    assert scripts.order.Order(3, 9).epoch(5) == [[0, 1, 2]]


def image_set(scripts: Scripts, folder: Path, cache_bytes: int, shared: Path | None = None) -> Any:
    for index in range(10):
        path = folder / "ab"[index % 2] / f"{index}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            continue
        Image.effect_noise((48, 40), 20 * index + 1).convert("RGB").save(path)
    (folder / "a" / "broken.png").write_bytes(b"")
    channel = scripts.channels.read_channel("train", {"train": folder})
    preprocessing = scripts.networks.preprocessing_for("resnet18", 32)
    cache = None if shared is None else scripts.shared_cache.SharedCache(shared, 10**9)
    images = scripts.image_set.ImageSet(channel, preprocessing, cache_bytes, cache)
    images.read_all(2, scripts.stopping.StopRequest())
    return images


def test_broken_files_are_named_once_and_left_out(
    scripts: Scripts, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images = image_set(scripts, tmp_path, 10**6)
    assert len(images) == 10
    assert images.labels == [0] * 5 + [1] * 5
    (skipped,) = images.skipped
    assert (skipped.channel, skipped.path) == ("train", "a/broken.png")
    assert capsys.readouterr().out.count("broken.png") == 1


def test_a_warm_cache_decodes_nothing_and_names_broken_files_all_the_same(
    scripts: Scripts, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    cold = image_set(scripts, tmp_path / "data", 0, tmp_path / "cache")
    squares = [cold.square(index).copy() for index in range(10)]
    capsys.readouterr()
    monkeypatch.setattr(scripts.image_set, "read_image", None)
    warm = image_set(scripts, tmp_path / "data", 0, tmp_path / "cache")
    assert all((warm.square(index) == squares[index]).all() for index in range(10))
    assert (warm.paths, warm.labels, warm.skipped) == (cold.paths, cold.labels, cold.skipped)
    assert "skipped train/a/broken.png: an empty file" in capsys.readouterr().out


def test_a_full_disk_leaves_the_images_to_memory(scripts: Scripts, tmp_path: Path) -> None:
    whole = image_set(scripts, tmp_path / "data", 10**6)
    shared = scripts.shared_cache.SharedCache(tmp_path / "cache", 1000)
    images = scripts.image_set.ImageSet(whole.channel, whole.preprocessing, 20_000, shared)
    images.read_all(2, scripts.stopping.StopRequest())
    assert 0 < images.cached_bytes <= 20_000
    assert len(images) == 10
    assert all((images.square(index) == whole.square(index)).all() for index in range(10))


def test_threads_and_cache_change_nothing(scripts: Scripts, tmp_path: Path) -> None:
    epochs = []
    cold = warm = tmp_path / "cache"
    for cache_bytes, workers, shared in (
        (10**6, 0, None),
        (0, 0, None),
        (20_000, 3, None),
        (20_000, 3, cold),
        (0, 0, warm),
    ):
        images = image_set(scripts, tmp_path / "data", cache_bytes, shared)
        assert images.cached_bytes <= cache_bytes
        assert images.cached_bytes == 0 or shared is None
        order, augmentation = scripts.order.Order(len(images), 3, 1), scripts.augmentation.Augmentation()
        batches = scripts.batches.ImageBatches(
            images, order, augmentation=augmentation, num_workers=workers, device=CPU
        )
        epochs.append(list(batches.epoch(2)))
    for other in epochs[1:]:
        for (inputs, labels), (other_inputs, other_labels) in zip(epochs[0], other, strict=True):
            assert torch.equal(inputs, other_inputs)
            assert torch.equal(labels, other_labels)
    assert [len(labels) for _, labels in epochs[0]] == [3, 3, 4]
    assert epochs[0][0][0].shape == (3, 3, 32, 32)


def test_skipped_batches_leave_the_rest_as_they_were(scripts: Scripts, tmp_path: Path) -> None:
    images = image_set(scripts, tmp_path, 10**6)
    augmentation = scripts.augmentation.Augmentation()
    batches = scripts.batches.ImageBatches(
        images, scripts.order.Order(10, 3, 1), augmentation=augmentation, num_workers=2, device=CPU
    )
    whole, rest = list(batches.epoch(1)), list(batches.epoch(1, skip=2))
    assert len(rest) == 1
    assert torch.equal(whole[2][0], rest[0][0])


def test_a_channel_of_broken_files_is_an_error(scripts: Scripts, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.jpg").write_text("no image")
    channel = scripts.channels.read_channel("train", {"train": tmp_path})
    images = scripts.image_set.ImageSet(channel, scripts.networks.preprocessing_for("resnet18", 32), 0)
    with pytest.raises(scripts.errors.ChannelError, match='"train" has no readable image'):
        images.read_all(1, scripts.stopping.StopRequest())
