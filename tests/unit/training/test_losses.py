"""What is minimised: class weights, mixup."""

import numpy as np
import pytest
import torch
from torch import nn

from tests.unit.training.scripts import Scripts

CPU = torch.device("cpu")


def test_balanced_weights_let_classes_weigh_the_same(scripts: Scripts) -> None:
    labels = [0] * 6 + [1] * 2 + [3] * 4
    weights = scripts.losses.balanced_weights(labels, 4)
    counts = torch.bincount(torch.tensor(labels), minlength=4)
    assert (weights * counts).tolist() == pytest.approx([4, 4, 0, 4])
    assert float(weights[torch.tensor(labels)].mean()) == pytest.approx(1)


@pytest.mark.parametrize("flags", [[], ["--class-weights", "balanced", "--label-smoothing", "0.1"]])
def test_the_training_loss(scripts: Scripts, flags: list[str]) -> None:
    arguments = scripts.arguments.parse_arguments(flags, cpus=1, description="")
    labels = [0, 0, 0, 1]
    loss = scripts.losses.training_loss(arguments, labels, 2, CPU)
    logits = torch.randn((4, 2), generator=torch.Generator().manual_seed(1))
    weight = torch.tensor([4 / 6, 2.0]) if flags else None
    expected = nn.CrossEntropyLoss(weight=weight, label_smoothing=0.1 if flags else 0.0)
    assert float(loss(logits, torch.tensor(labels))) == pytest.approx(float(expected(logits, torch.tensor(labels))))


def test_mixup_mixes_images_and_labels_alike(scripts: Scripts) -> None:
    mixture = scripts.mixup.draw_mixture(5, 0.4, 3, epoch=2, batch=1)
    assert 0.5 <= mixture.share <= 1
    assert sorted(mixture.order.tolist()) == [0, 1, 2, 3, 4]
    labels = torch.tensor([0, 1, 2, 0, 1])
    images = torch.nn.functional.one_hot(labels, 3).float()[:, :, None, None].expand(5, 3, 2, 2)
    mixed, shares = mixture.of(images), mixture.of_labels(labels, 3)
    assert torch.allclose(mixed[:, :, 1, 0], shares)
    assert torch.allclose(shares.sum(1), torch.ones(5))
    other = mixture.order[0]
    expected = mixture.share * images[0] + (1 - mixture.share) * images[other]
    assert torch.allclose(mixed[0], expected)


def test_mixup_is_drawn_from_seed_epoch_and_batch_alone(scripts: Scripts) -> None:
    def drawn(seed: int, epoch: int, batch: int) -> float:
        np.random.default_rng().random()
        share: float = scripts.mixup.draw_mixture(8, 1.0, seed, epoch=epoch, batch=batch).share
        return share

    places = [(seed, epoch, batch) for seed in (0, 1) for epoch in (1, 2) for batch in (0, 1)]
    shares = [drawn(*place) for place in places]
    assert shares == [drawn(*place) for place in places]
    assert len(set(shares)) == len(places)


def test_mixup_keeps_the_memory_format(scripts: Scripts) -> None:
    images = torch.randn(4, 3, 8, 8).contiguous(memory_format=torch.channels_last)
    mixed = scripts.mixup.draw_mixture(4, 0.4, 0, epoch=1, batch=0).of(images)
    assert mixed.is_contiguous(memory_format=torch.channels_last)
