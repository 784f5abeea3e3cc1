from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.training.scripts import Scripts

SCRIPTS = Scripts()


def arguments(*flags: str) -> Any:
    return SCRIPTS.arguments.parse_arguments(["--lr", "1", "--epochs", "4", *flags], cpus=1, description="")


@pytest.mark.parametrize(
    ("flags", "rates"),
    [
        ([], [1.0] * 8),
        (["--scheduler", "step", "--step-size", "2", "--gamma", "0.1"], [1.0] * 4 + [0.1] * 4),
        (["--scheduler", "cosine"], [1, 0.961940, 0.853553, 0.691342, 0.5, 0.308658, 0.146447, 0.038060]),
        (["--warmup-epochs", "1.5"], [0.25, 0.5, 0.75] + [1.0] * 5),
        (["--warmup-epochs", "2", "--scheduler", "cosine"], [0.2, 0.4, 0.6, 0.8, 1, 0.853553, 0.5, 0.146447]),
        (["--warmup-epochs", "1", "--scheduler", "step", "--step-size", "1"], [1 / 3, 2 / 3] + [0.5] * 2 + [0.25] * 2),
    ],
)
def test_learning_rates_step_by_step(flags: list[str], rates: list[float]) -> None:
    actual = [SCRIPTS.schedule.learning_rate(arguments(*flags), step, 2) for step in range(len(rates))]
    assert actual == pytest.approx(rates, rel=1e-4)


def test_cosine_is_torchs() -> None:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=4 * 5)
    for step in range(20):
        expected = scheduler.get_last_lr()[0]
        assert SCRIPTS.schedule.learning_rate(arguments("--scheduler", "cosine"), step, 5) == pytest.approx(expected)
        optimizer.step()
        scheduler.step()


@given(
    st.sampled_from(["none", "cosine", "step"]),
    st.floats(0, 3.9),
    st.integers(1, 500),
    st.floats(0, 1, exclude_max=True),
)
def test_the_rate_stays_within_its_bounds(scheduler: str, warmup: float, steps: int, place: float) -> None:
    flags = ("--scheduler", scheduler, "--warmup-epochs", str(warmup))
    rate = SCRIPTS.schedule.learning_rate(arguments(*flags), int(place * 4 * steps), steps)
    assert 0 <= rate <= 1


@pytest.mark.parametrize("arch", ["resnet18", "resnet50", "efficientnet_lite0", "mobilenet_v3_small"])
def test_every_weight_is_in_one_group_and_rates_fall_towards_the_image(arch: str) -> None:
    network = SCRIPTS.networks.build_classifier(arch, 3, 64, dropout=0.0, frozen=False)
    groups = SCRIPTS.layer_groups.layer_groups(network)
    flags = ("--freeze-backbone", "false", "--layer-decay", "0.5", "--arch", arch)
    optimizer = SCRIPTS.schedule.build_optimizer(groups, arguments(*flags))
    held = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    assert len(held) == len(set(held))
    assert set(held) == set(network.parameters())
    buffers = [buffer for group in groups for module in group for buffer in module.buffers()]
    assert {id(buffer) for buffer in buffers} == {id(buffer) for buffer in network.buffers()}
    SCRIPTS.schedule.set_learning_rate(optimizer, 0.8)
    rates = [group["lr"] for group in optimizer.param_groups]
    assert rates[:3] == pytest.approx([0.8, 0.4, 0.2])
    assert rates == sorted(rates, reverse=True)
    first = next(iter(network.backbone.parameters()))
    assert any(first is parameter for parameter in optimizer.param_groups[-1]["params"])


def test_of_a_frozen_network_the_head_alone_is_optimised() -> None:
    network = SCRIPTS.networks.build_classifier("resnet18", 3, 64, dropout=0.0, frozen=True)
    optimizer = SCRIPTS.schedule.build_optimizer(SCRIPTS.layer_groups.layer_groups(network), arguments())
    assert [len(group["params"]) for group in optimizer.param_groups] == [2]


@pytest.mark.parametrize(("flag", "nesterov"), [("true", True), ("false", False)])
def test_sgd_takes_its_flags(flag: str, nesterov: bool) -> None:
    flags = ("--optimizer", "sgd", "--momentum", "0.7", "--nesterov", flag, "--weight-decay", "0.1")
    optimizer = SCRIPTS.schedule.build_optimizer([[torch.nn.Linear(2, 2)]], arguments(*flags))
    assert isinstance(optimizer, SCRIPTS.optimizers.SGD)
    assert (optimizer.momentum, optimizer.nesterov, optimizer.weight_decay) == (0.7, nesterov, 0.1)
