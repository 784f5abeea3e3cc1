"""The network of an artifact, for the device that serves it."""

import importlib
import importlib.util
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import precision
from artifact import Description
from cpu_network import CpuNetwork
from device import Device
from errors import CannotServe
from gpu_network import GpuNetwork

GPU_GRAPH = "model.pt"
REMEDY = "Or deploy on a CPU instance type, such as ml.c7i.xlarge, or set MODEL_DEVICE=cpu to leave a GPU idle."


class Network(Protocol):
    """Crops in, logits out."""

    def logits(self, crops: Iterable[npt.NDArray[np.uint8]]) -> npt.NDArray[np.float32]:
        """Logits [N, classes] of N crops uint8 [image_size, image_size, 3], RGB. Raises NetworkFailed."""
        ...


def load(folder: Path, description: Description, class_count: int, device: Device) -> Network:
    """OpenVINO's graph on a CPU, TorchScript on a GPU. A GPU is paid for: what would keep it idle is an error.

    Raises BrokenModel and CannotServe.
    """
    if device == "cpu":
        return CpuNetwork(folder, description, class_count)
    graph = folder / GPU_GRAPH
    if not graph.is_file():
        raise CannotServe(
            f"{graph}, the graph for this machine's GPU, is missing: train with --gpu-graph true to have it. {REMEDY}"
        )
    precision.check_gpu(os.environ)
    if importlib.util.find_spec("torch") is None:
        raise CannotServe(f"The GPU cannot be used: torch is not installed. {REMEDY}")
    if not importlib.import_module("torch").cuda.is_available():
        raise CannotServe(f"The GPU cannot be used: torch finds no CUDA device. {REMEDY}")
    return GpuNetwork(graph, description, class_count, "cuda")
