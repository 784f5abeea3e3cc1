from typing import Any

import pytest
import torch

from tests.unit.training.scripts import Scripts


def unfreezing(scripts: Scripts, epochs: str) -> tuple[Any, Any, list[list[torch.nn.Module]]]:
    network = scripts.networks.build_classifier("resnet18", 3, 32, dropout=0.0, frozen=False)
    flags = ["--freeze-backbone", "false", "--unfreeze-epochs", epochs, "--epochs", "9"]
    arguments = scripts.arguments.parse_arguments(flags, cpus=1, description="")
    groups = scripts.layer_groups.layer_groups(network)
    return scripts.layer_groups.Unfreezing(groups, arguments), network, groups


@pytest.mark.parametrize(
    ("epochs", "first"), [("0", [1, 1, 1, 1, 1, 1]), ("1", [1, 2, 2, 2, 2, 2]), ("5", [1, 2, 3, 4, 5, 6])]
)
def test_when_a_group_begins_to_learn(scripts: Scripts, epochs: str, first: list[int]) -> None:
    schedule, _, groups = unfreezing(scripts, epochs)
    assert [schedule.first_epoch(number) for number in range(len(groups))] == first


def test_the_groups_are_the_head_and_then_from_the_top_down(scripts: Scripts) -> None:
    _, network, groups = unfreezing(scripts, "0")
    backbone = network.backbone
    assert groups == [
        [network.head], [backbone.layer4], [backbone.layer3], [backbone.layer2], [backbone.layer1],
        [backbone.conv1, backbone.bn1],
    ]  # fmt: skip


def test_a_group_that_rests_changes_in_nothing(scripts: Scripts) -> None:
    schedule, network, _ = unfreezing(scripts, "5")
    changes = []
    for epoch in (1, 2, 6):
        schedule.apply(epoch, network)
        before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
        network.train()
        network(torch.randn(4, 3, 64, 64)).logsumexp(1).sum().backward()
        groups = [{"params": list(network.parameters()), "lr": 0.1}]
        scripts.optimizers.SGD(groups, momentum=0.0, weight_decay=0.0, nesterov=False).step()
        network.zero_grad()
        after = network.state_dict()
        changed = {name for name, tensor in before.items() if not torch.equal(tensor, after[name])}
        changes.append({".".join(name.split(".")[:2]).removeprefix("backbone.") for name in changed})
    assert changes[0] == {"head.linear"}
    assert changes[1] == {"head.linear", "layer4"}
    assert changes[2] == {"head.linear", "layer4", "layer3", "layer2", "layer1", "conv1", "bn1"}


def test_efficientnets_blocks_are_grouped_by_stage(scripts: Scripts) -> None:
    network = scripts.networks.build_classifier("efficientnet_lite0", 3, 64, dropout=0.0, frozen=False)
    groups = scripts.layer_groups.layer_groups(network)
    assert [len(group) for group in groups] == [1, 1, 1, 4, 3, 3, 2, 2, 1, 1]
    assert groups[1] == [network.backbone.top]
    assert groups[-1] == [network.backbone.stem]
