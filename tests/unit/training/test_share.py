"""How several processes divide each batch: nothing twice, nothing left out, and the gradient of the whole."""

import itertools

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from tests.unit.training.scripts import Scripts

WORLDS = st.integers(1, 5)


@given(world=WORLDS, images=st.integers(1, 200), size=st.integers(1, 40), seed=st.none() | st.integers(0, 9))
def test_each_image_is_seen_once_and_no_process_has_a_single_one(
    scripts: Scripts, world: int, images: int, size: int, seed: int | None
) -> None:
    size = max(size, 2 * world if world > 1 else 1)  # which is what check_batch_size demands
    shares = [scripts.share.Share(rank, world) for rank in range(world)]
    orders = [scripts.order.Order(images, size, seed, share) for share in shares]
    divided = [order.epoch(2) for order in orders]
    assert sorted(itertools.chain(*itertools.chain(*divided))) == list(range(images))
    steps = orders[0].steps
    assert [len(each) for each in divided] == [steps] * world
    if images >= 2 * world and size > 1:
        assert min(len(batch) for each in divided for batch in each) >= min(2, size)
    for step in range(steps):
        weights = [order.weight(step) for order in orders]
        counts = [len(each[step]) for each in divided]
        assert weights == pytest.approx([world * count / sum(counts) for count in counts])
    if world == 1:
        assert {orders[0].weight(step) for step in range(steps)} == {1.0}


@given(world=WORLDS, images=st.integers(10, 30))
def test_the_mean_of_the_weighted_gradients_is_that_of_the_batch(scripts: Scripts, world: int, images: int) -> None:
    random = torch.Generator().manual_seed(images)
    inputs = torch.randn((images, 4), generator=random, dtype=torch.float64)
    labels = torch.randint(0, 3, (images,), generator=random)
    weights = torch.zeros((3, 4), dtype=torch.float64, requires_grad=True)

    def gradient(indices: list[int], weight: float) -> torch.Tensor:
        loss = nn.functional.cross_entropy(inputs[indices] @ weights.T, labels[indices])
        (found,) = torch.autograd.grad(loss * weight, weights)
        return found

    shares = [scripts.share.Share(rank, world) for rank in range(world)]
    everything = list(range(images))
    mean = sum(gradient(share.of(everything), share.weight(images)) for share in shares) / world
    assert torch.allclose(torch.as_tensor(mean), gradient(everything, 1.0))


def test_processes_mix_otherwise_and_the_first_as_one_alone(scripts: Scripts) -> None:
    def drawn(**rank: int) -> list[int]:
        order: list[int] = scripts.mixup.draw_mixture(20, 0.4, 3, epoch=1, batch=2, **rank).order.tolist()
        return order

    assert drawn() == drawn(rank=0) != drawn(rank=1)
    seeds = {scripts.learner.seed_of_step(0, *place) for place in itertools.product((1, 2), (0, 1), (0, 1))}
    assert len(seeds) == 8
