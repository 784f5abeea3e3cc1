"""Features computed once are those that the network computes each time, whoever computes them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from tests.unit.training.scripts import Scripts
from tests.unit.training.test_batches import image_set

CPU = torch.device("cpu")
FEATURES = 6


@pytest.fixture
def network(scripts: Scripts) -> Any:
    """A tiny frozen classifier of images of 32 pixels."""
    torch.manual_seed(3)
    backbone = nn.Sequential(
        nn.Conv2d(3, FEATURES, 5, stride=4), nn.BatchNorm2d(FEATURES), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    )
    return scripts.networks.Classifier(backbone, FEATURES, 2, dropout=0.5, frozen=True)


@pytest.fixture
def features_of(scripts: Scripts, network: Any, tmp_path: Path) -> Callable[..., Any]:
    """Features of ten images and a broken file, with the cache `tmp_path`/cache where `shared`."""

    def features(*, shared: bool, classifier: Any = None) -> Any:
        image_set(scripts, tmp_path / "data", 0)  # which draws them
        channel = scripts.channels.read_channel("train", {"train": tmp_path / "data"})
        cache = scripts.shared_cache.SharedCache(tmp_path / "cache", 10**9) if shared else None
        preprocessing = scripts.networks.preprocessing_for("resnet18", 32)
        images = scripts.image_set.ImageSet(channel, preprocessing, 10**6, cache)
        stop = scripts.stopping.StopRequest()
        return scripts.features.Features(classifier or network, "tiny", images, CPU, threads=1, stop=stop)

    return features


def computing(scripts: Scripts, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many images each call of the backbone gets from here on."""
    calls: list[int] = []
    original = scripts.networks.Classifier.features

    def counted(self: Any, images: torch.Tensor) -> torch.Tensor:
        calls.append(len(images))
        answer: torch.Tensor = original(self, images)
        return answer

    monkeypatch.setattr(scripts.networks.Classifier, "features", counted)
    return calls


def test_plain_features_are_those_of_the_uncached_path(
    scripts: Scripts, network: Any, features_of: Callable[..., Any], tmp_path: Path
) -> None:
    images = image_set(scripts, tmp_path / "data", 0)
    batches = scripts.batches.ImageBatches(
        images, scripts.order.Order(len(images), 3), augmentation=None, num_workers=0, device=CPU
    )
    network.train()
    with torch.no_grad():
        expected = torch.cat([network.features(inputs) for inputs, _ in batches.epoch(0)])
    for shared in (False, True, True):
        assert torch.allclose(features_of(shared=shared).plain(), expected, atol=1e-6)


def test_a_view_is_the_backbones_answer_to_the_augmented_images(
    scripts: Scripts, network: Any, features_of: Callable[..., Any], tmp_path: Path
) -> None:
    images, augmentation = image_set(scripts, tmp_path / "data", 0), scripts.augmentation.Augmentation(rotation=10.0)
    channel = images.channel
    squares = [
        images.random_square(index, augmentation, np.random.default_rng([scripts.features.VIEWS_STREAM, 2, file]))
        for index, file in enumerate(channel.paths.index(path) for path in images.paths)
    ]
    network.eval()
    with torch.no_grad():
        expected = network.features(scripts.images.to_tensor(squares, images.preprocessing, CPU))
    for shared in (False, True, True):
        assert torch.allclose(features_of(shared=shared).view(2, augmentation), expected, atol=1e-6)


def test_a_part_without_an_image_changes_nothing(
    scripts: Scripts, features_of: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = features_of(shared=False).plain()
    monkeypatch.setattr(scripts.image_set, "PART_IMAGES", 1)
    for shared in (False, True, True):
        features = features_of(shared=shared)
        assert torch.allclose(features.plain(), expected, atol=1e-6)
        assert [entry.path for entry in features._images.skipped] == ["a/broken.png"]


def test_the_second_job_computes_and_decodes_nothing(
    scripts: Scripts,
    features_of: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    augmentation = scripts.augmentation.Augmentation()
    first = features_of(shared=True)
    plain, view = first.plain(), first.view(1, augmentation)
    assert not torch.equal(plain, view)
    calls = computing(scripts, monkeypatch)
    monkeypatch.setattr(scripts.image_set, "read_image", None)
    capsys.readouterr()
    # `features_of` draws its images with an image set of its own, which needs its images
    images = first._images
    again = scripts.image_set.ImageSet(images.channel, images.preprocessing, 0, images.shared)
    second = scripts.features.Features(
        first._network, "tiny", again, CPU, threads=1, stop=scripts.stopping.StopRequest()
    )
    assert torch.equal(second.plain(), plain)
    assert torch.equal(second.view(1, augmentation), view)
    assert calls == []
    assert len(again) == len(again.labels) == 10
    assert [entry.path for entry in again.skipped] == ["a/broken.png"]
    assert capsys.readouterr().out.count("skipped train/a/broken.png: an empty file") == 1


@pytest.mark.parametrize("change", ["weights", "augmentation", "view", "arch", "image size", "data"])
def test_what_features_depend_on(
    scripts: Scripts,
    network: Any,
    features_of: Callable[..., Any],
    *,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    change: str,
) -> None:
    augmentation, number = scripts.augmentation.Augmentation(), 1
    features_of(shared=True).view(number, augmentation)
    calls = computing(scripts, monkeypatch)
    other = features_of(shared=True)
    if change == "weights":
        with torch.no_grad():
            network.backbone[0].bias[0] += 1e-3
    elif change == "augmentation":
        augmentation = scripts.augmentation.Augmentation(crop_scale=0.4)
    elif change == "view":
        number = 2
    elif change == "arch":
        other._arch = "small"
    elif change == "image size":
        other._images.preprocessing = scripts.networks.preprocessing_for("resnet18", 33)
    else:
        (tmp_path / "data/a/0.png").rename(tmp_path / "data/a/00.png")
        other = features_of(shared=True)
    assert len(other.view(number, augmentation)) in {10, 11}
    assert sum(calls) in {10, 11}


def test_an_epoch_takes_the_view_of_its_number(scripts: Scripts) -> None:
    labels = torch.arange(4)
    batches = scripts.batches.FeatureBatches(
        lambda epoch: torch.full((4, 1), float(epoch)), labels, scripts.order.Order(4, 3, 1)
    )
    for epoch in (1, 2):
        found = list(batches.epoch(epoch))
        assert all((inputs == epoch).all() for inputs, _ in found)
        assert sorted(torch.cat([each for _, each in found]).tolist()) == [0, 1, 2, 3]
        assert len(found) == batches.order.steps == 1
    batches = scripts.batches.FeatureBatches(lambda _: torch.eye(6), torch.arange(6), scripts.order.Order(6, 2, 1))
    rest = list(batches.epoch(1, skip=2))
    assert len(rest) == 1


def test_computing_a_view_leaves_the_head_as_it_is(
    scripts: Scripts, network: Any, features_of: Callable[..., Any]
) -> None:
    network.train()
    features_of(shared=False).view(1, scripts.augmentation.Augmentation())
    assert network.head.training
    assert not network.backbone.training


def test_a_channel_without_an_image_is_an_error(scripts: Scripts, network: Any, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.jpg").write_text("no image")
    channel = scripts.channels.read_channel("train", {"train": tmp_path})
    images = scripts.image_set.ImageSet(channel, scripts.networks.preprocessing_for("resnet18", 32), 0)
    features = scripts.features.Features(network, "tiny", images, CPU, threads=1, stop=scripts.stopping.StopRequest())
    with pytest.raises(scripts.errors.ChannelError, match='"train" has no readable image'):
        features.plain()
