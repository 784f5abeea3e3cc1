"""How busy each NVIDIA GPU is and how full its memory, by the driver's own library."""

import contextlib
from collections.abc import Iterator
from typing import Any, Protocol

import pynvml


class Gpus(Protocol):
    """The GPUs of a machine."""

    def read(self) -> list[tuple[float, float]]:
        """Utilisation and used share of the memory of each, percent."""


class NvmlGpus:
    """Those that `handles` of NVIDIA's library stand for; none on a machine without."""

    def __init__(self, handles: list[Any]) -> None:
        self._handles = handles

    def read(self) -> list[tuple[float, float]]:
        """Utilisation and used share of the memory of each, percent. Raises pynvml.NVMLError."""
        return [_read(handle) for handle in self._handles]


@contextlib.contextmanager
def gpus_of_this_machine() -> Iterator[Gpus]:
    """All of them; none where there is no driver."""
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        yield NvmlGpus([])
        return
    try:
        yield NvmlGpus([pynvml.nvmlDeviceGetHandleByIndex(index) for index in range(pynvml.nvmlDeviceGetCount())])
    finally:
        pynvml.nvmlShutdown()


def _read(handle: Any) -> tuple[float, float]:
    memory = pynvml.nvmlDeviceGetMemoryInfo(handle)
    return float(pynvml.nvmlDeviceGetUtilizationRates(handle).gpu), 100.0 * memory.used / memory.total
