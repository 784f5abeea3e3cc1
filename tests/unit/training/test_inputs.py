"""What a job feeds its network: images, features of them, or of fixed views."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from tests.unit.training.scripts import Scripts
from tests.unit.training.test_batches import image_set

CPU = torch.device("cpu")


@pytest.fixture
def inputs(scripts: Scripts, tmp_path: Path) -> Callable[..., Any]:
    def make(*flags: str, **variables: str) -> Any:
        arguments = scripts.arguments.parse_arguments(["--batch-size", "4", *flags], cpus=1, description="")
        environment = scripts.environment.read_environment(
            {"SM_OUTPUT_DATA_DIR": str(tmp_path / "output"), **variables}
        )
        preprocessing = scripts.networks.preprocessing_for("resnet18", 32)
        return scripts.inputs.Inputs(arguments, environment, preprocessing, CPU, scripts.stopping.StopRequest())

    return make


@pytest.fixture
def channel(scripts: Scripts, tmp_path: Path) -> Any:
    return image_set(scripts, tmp_path / "data", 0).channel


def classifier(scripts: Scripts, *, frozen: bool) -> Any:
    torch.manual_seed(0)
    backbone = nn.Sequential(nn.Conv2d(3, 5, 8, stride=8), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return scripts.networks.Classifier(backbone, 5, 2, dropout=0.0, frozen=frozen)


@pytest.mark.parametrize(
    ("frozen", "watched", "flags", "shape"),
    [
        (True, False, (), (4, 5)),
        (True, False, ("--augment", "none"), (4, 5)),
        (True, True, (), (4, 3, 32, 32)),
        (False, False, ("--freeze-backbone", "false"), (4, 3, 32, 32)),
        (True, False, ("--mixup", "0.2"), (4, 3, 32, 32)),  # pixels are mixed
    ],
)
def test_features_where_nothing_needs_the_pixels(
    scripts: Scripts,
    inputs: Callable[..., Any],
    channel: Any,
    *,
    frozen: bool,
    watched: bool,
    flags: tuple[str, ...],
    shape: tuple[int, ...],
) -> None:
    network = classifier(scripts, frozen=frozen)
    made = inputs(*flags).training(network, channel, watched=watched)
    [first, *_] = made.batches.epoch(1)
    assert first[0].shape == shape
    assert made.network(first[0]).shape == (4, 2)
    assert made.batches.order.steps == len(list(made.batches.epoch(2))) == 3
    assert len(made.images) == 10


def test_epochs_take_the_views_in_turn(scripts: Scripts, inputs: Callable[..., Any], channel: Any) -> None:
    def of_epochs(*flags: str) -> list[torch.Tensor]:
        made = inputs(*flags).training(classifier(scripts, frozen=True), channel, watched=False)
        found = []
        for epoch in (1, 2, 3):
            order = torch.cat([labels for _, labels in made.batches.epoch(epoch)])
            features = torch.cat([batch for batch, _ in made.batches.epoch(epoch)])
            assert sorted(order.tolist()) == [0] * 5 + [1] * 5
            found.append(features.sort(dim=0).values)
        return found

    one, two, three = of_epochs("--augmented-views", "2")
    assert torch.allclose(one, three, atol=1e-6)
    assert not torch.allclose(one, two, atol=1e-4)
    other_seed = of_epochs("--augmented-views", "2", "--seed", "5")
    assert torch.allclose(one, other_seed[0], atol=1e-6), "trials share them whatever their seeds are"
    plain = of_epochs("--augment", "none")
    for same, unaugmented in zip(of_epochs("--augmented-views", "0"), plain, strict=True):
        assert torch.allclose(same, unaugmented, atol=1e-6)
    assert not torch.allclose(one, plain[0], atol=1e-4)


def test_which_folder_is_shared(
    scripts: Scripts, inputs: Callable[..., Any], channel: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    offered, named = tmp_path / "offered", tmp_path / "named"
    variables = {"LOCAL_SAGEMAKER_JOB_CACHE": str(offered)}
    network = classifier(scripts, frozen=True)
    for flags, given in (((), {}), (("--disk-cache-megabytes", "0"), variables)):
        inputs(*flags, **given).judged(network, channel, watched=False)
    assert not offered.exists()
    inputs("--cache-folder", str(named), **variables).judged(network, channel, watched=False)
    assert list(named.glob("features-*/*.part"))
    inputs(**variables).judged(network, channel, watched=False)
    assert offered.is_dir()
    (tmp_path / "file").write_text("no folder")
    capsys.readouterr()
    inputs("--cache-folder", str(tmp_path / "file" / "cache")).judged(network, channel, watched=False)
    assert "cannot be used (Not a directory): images are kept in memory" in capsys.readouterr().out
