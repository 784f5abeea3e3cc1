import pytest
import torch

from tests.unit.training.scripts import Scripts


def test_it_is_the_moving_average(scripts: Scripts) -> None:
    weight, count = torch.zeros(2), torch.tensor(7)
    averages = scripts.averages.Averages([weight, count], 0.5)
    expected = torch.zeros(2)
    for step in range(1, 12):
        weight.fill_(step)
        averages.update()
        decay = min(0.5, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * weight
    with averages.applied():
        assert torch.allclose(weight, expected)
        assert count == 7
    assert weight.tolist() == [11, 11]


def test_weights_come_back_also_after_an_error(scripts: Scripts) -> None:
    weight = torch.nn.Parameter(torch.zeros(2))
    averages = scripts.averages.Averages([weight], 0.9)
    with torch.no_grad():
        weight.fill_(1)
    with pytest.raises(RuntimeError), averages.applied():
        assert weight.tolist() == [0, 0]
        raise RuntimeError
    assert weight.tolist() == [1, 1]


def test_of_a_frozen_network_the_head_alone_is_averaged(scripts: Scripts) -> None:
    network = scripts.networks.build_classifier("resnet18", 3, 32, dropout=0.0, frozen=True)
    arguments = scripts.arguments.parse_arguments(["--ema-decay", "0.9"], cpus=1, description="")
    state = scripts.learner.Learner(arguments, network).state_dict()
    assert [tuple(tensor.shape) for tensor in state["averages"]["averaged"]] == [(3, 512), (3,)]
