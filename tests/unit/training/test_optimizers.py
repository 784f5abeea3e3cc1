"""What our optimisers compute is what torch's compute, to the last bit."""

from typing import Any

import pytest
import torch

from tests.unit.training.scripts import Scripts

SCRIPTS = Scripts()
STEPS = 7
ADAMW: list[dict[str, Any]] = [
    {"betas": (0.9, 0.999), "weight_decay": 0.1},
    {"betas": (0.5, 0.99), "weight_decay": 0.0},
]
SGD: list[dict[str, Any]] = [
    {"momentum": 0.0, "weight_decay": 0.0, "nesterov": False},
    {"momentum": 0.9, "weight_decay": 0.01, "nesterov": False},
    {"momentum": 0.9, "weight_decay": 0.01, "nesterov": True},
]
BOTH = [*(("AdamW", options) for options in ADAMW), *(("SGD", options) for options in SGD)]


def built(name: str, of: list[torch.nn.Parameter], options: dict[str, Any]) -> Any:
    return getattr(SCRIPTS.optimizers, name)(groups(of), **options)


def parameters() -> list[torch.nn.Parameter]:
    generator = torch.Generator().manual_seed(0)
    return [torch.nn.Parameter(torch.randn(*shape, generator=generator)) for shape in ((3, 5), (4,), (2, 3, 2))]


def groups(of: list[torch.nn.Parameter]) -> list[dict[str, Any]]:
    return [{"params": of[:2], "lr": 0.1}, {"params": of[2:], "lr": 0.01}]


def take(optimizer: Any, of: list[torch.nn.Parameter], steps: range) -> None:
    """Steps with gradients that depend on the step alone; one parameter learns only later, and rates change."""
    for step in steps:
        optimizer.zero_grad()
        generator = torch.Generator().manual_seed(step)
        for place, parameter in enumerate(of):
            gradient = torch.randn(parameter.shape, generator=generator)
            if place != 1 or step >= 3:
                parameter.grad = gradient
        for group in optimizer.param_groups:
            group["lr"] *= 0.9
        optimizer.step()


@pytest.mark.parametrize(("name", "options"), BOTH)
def test_each_step_is_torchs(name: str, options: dict[str, Any]) -> None:
    learnt, expected = parameters(), parameters()
    optimizer, peer = built(name, learnt, options), getattr(torch.optim, name)(groups(expected), **options)
    for step in range(STEPS):
        take(optimizer, learnt, range(step, step + 1))
        take(peer, expected, range(step, step + 1))
        assert all(torch.equal(one, other) for one, other in zip(learnt, expected, strict=True)), step
    assert not torch.equal(learnt[1], parameters()[1])


@pytest.mark.parametrize(("name", "options"), BOTH)
def test_it_goes_on_from_its_state(name: str, options: dict[str, Any]) -> None:
    unbroken = parameters()
    take(built(name, unbroken, options), unbroken, range(STEPS))
    learnt = parameters()
    first = built(name, learnt, options)
    take(first, learnt, range(4))
    state, rates = first.state_dict(), [group["lr"] for group in first.param_groups]
    second = built(name, learnt, options)
    for group, rate in zip(second.param_groups, rates, strict=True):
        group["lr"] = rate
    second.load_state_dict(state)
    take(second, learnt, range(4, STEPS))
    assert all(torch.equal(one, other) for one, other in zip(learnt, unbroken, strict=True))


def test_the_state_of_other_parameters_is_refused() -> None:
    learnt = parameters()
    optimizer = built("SGD", learnt, SGD[1])
    take(optimizer, learnt, range(4))
    other = SCRIPTS.optimizers.SGD(groups(learnt)[:1], **SGD[1])
    with pytest.raises(ValueError, match="one of 3 parameters and not of 2"):
        other.load_state_dict(optimizer.state_dict())
