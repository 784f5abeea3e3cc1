"""NVIDIA's management library, where there is a GPU: how busy each is, and how full its memory."""

from typing import Protocol

import pynvml


class Gpus(Protocol):
    """GPUs of this machine."""

    def read(self) -> list[tuple[float, float]]:
        """Utilisation and used share of the memory of each, percent."""


class NoGpus:
    """A machine without one."""

    def read(self) -> list[tuple[float, float]]:
        """Nothing."""
        return []


class NvmlGpus:
    """The first `count` GPUs: those that a job may use (compute_share.py). Raises pynvml.NVMLError."""

    def __init__(self, count: int) -> None:
        pynvml.nvmlInit()
        there = min(count, pynvml.nvmlDeviceGetCount())
        self._handles = [pynvml.nvmlDeviceGetHandleByIndex(index) for index in range(there)]

    def read(self) -> list[tuple[float, float]]:
        """Utilisation and used share of the memory of each, percent."""
        found = []
        for handle in self._handles:
            memory = pynvml.nvmlDeviceGetMemoryInfo(handle)
            found.append((float(pynvml.nvmlDeviceGetUtilizationRates(handle).gpu), 100.0 * memory.used / memory.total))
        return found


def gpus(count: int) -> Gpus:
    """Those that the job may use."""
    return NvmlGpus(count) if count else NoGpus()
