import socket
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from tests.unit.training.scripts import Scripts


def test_the_channel_pretrained_comes_first(scripts: Scripts, tmp_path: Path) -> None:
    source = scripts.networks.build_classifier("resnet18", 7, 64, dropout=0.0, frozen=True)
    network = scripts.networks.build_classifier("resnet18", 3, 64, dropout=0.0, frozen=True)
    save_file(source.state_dict(), tmp_path / "model.safetensors")
    assert scripts.weights.load_pretrained(network, "resnet18", tmp_path) == "model.safetensors"
    for name, tensor in source.backbone.state_dict().items():
        assert torch.equal(network.backbone.state_dict()[name], tensor)
    assert network.head.linear.weight.shape == (3, 512)


def test_a_checkpoint_file_with_a_state_dict_inside(scripts: Scripts, tmp_path: Path) -> None:
    network = scripts.networks.build_classifier("resnet18", 3, 64, dropout=0.0, frozen=True)
    torch.save({"state_dict": dict(network.backbone.state_dict(), **{"fc.bias": torch.zeros(9)})}, tmp_path / "w.pth")
    assert scripts.weights.load_pretrained(network, "resnet18", tmp_path) == "w.pth"


def test_what_does_not_fit_is_said(scripts: Scripts, tmp_path: Path) -> None:
    network = scripts.networks.build_classifier("resnet18", 3, 64, dropout=0.0, frozen=True)
    torch.save({"conv1.weight": torch.zeros(1)}, tmp_path / "w.pth")
    with pytest.raises(scripts.errors.WeightsError, match=r"w\.pth are not those of resnet18"):
        scripts.weights.load_pretrained(network, "resnet18", tmp_path)
    (tmp_path / "w.pth").write_bytes(b"no state dict")
    with pytest.raises(scripts.errors.WeightsError, match=r"w\.pth in channel `pretrained` is no state dict"):
        scripts.weights.load_pretrained(network, "resnet18", tmp_path)
    (tmp_path / "w.pth").unlink()
    with pytest.raises(scripts.errors.WeightsError, match="it has no such file"):
        scripts.weights.load_pretrained(network, "resnet18", tmp_path)


class Trap:
    """Unpickling it would write a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.path,)


def test_no_code_in_a_pickle_is_executed(scripts: Scripts, tmp_path: Path) -> None:
    torch.save({"conv1.weight": Trap(tmp_path / "executed")}, tmp_path / "w.pth")
    with pytest.raises(scripts.errors.WeightsError):
        scripts.weights.read_channel_weights(tmp_path)
    assert not (tmp_path / "executed").exists()


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    for name in ("http_proxy", "HTTP_PROXY", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("empty_cache")
def test_offline_is_an_error_that_says_what_to_do(scripts: Scripts) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/resnet18-f37072fd.pth"
        with pytest.raises(scripts.errors.WeightsError, match="efficientnet_lite0") as caught:
            scripts.weights.download_weights(url)
    assert "refused" in str(caught.value)
    assert "--weights none" in str(caught.value)
    assert "`pretrained`" in str(caught.value)


@pytest.mark.usefixtures("empty_cache")
def test_a_silent_network_does_not_hang_the_job(scripts: Scripts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scripts.weights, "CONNECT_TIMEOUT_SECONDS", 0.2)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        started_at = time.monotonic()
        with pytest.raises(scripts.errors.WeightsError, match="timed out"):
            scripts.weights.download_weights(f"http://127.0.0.1:{silent.getsockname()[1]}/resnet18-f37072fd.pth")
        assert time.monotonic() - started_at < 10
    assert socket.getdefaulttimeout() is None
