"""The network on a GPU: the artifact's TorchScript, in batches."""

import itertools
import threading
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from artifact import Description
from errors import BrokenModel, NetworkFailed
from tensors import Normalisation

MAX_BATCH = 64


class GpuNetwork:
    """In float32 without TensorFloat-32: the same answers as the network that was measured in training."""

    def __init__(self, path: Path, description: Description, class_count: int, device: str) -> None:
        """Load model.pt onto `device` (torch's word) and try it. Raises BrokenModel."""
        import torch  # noqa: PLC0415 - costs seconds, and a CPU does without

        self._torch: Any = torch
        normalisation, size = Normalisation.of(description), description.image_size
        self._device = torch.device(device)
        self._scale = torch.from_numpy(normalisation.scale).view(1, 3, 1, 1).to(self._device)
        self._shift = torch.from_numpy(normalisation.shift).view(1, 3, 1, 1).to(self._device)
        self._lock = threading.Lock()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # torch.jit is deprecated, and what needs no Python code of training's
                self._network = self._torch.jit.load(str(path), map_location=self._device).eval()
            black = np.zeros((size, size, 3), np.uint8)
            shape = list(self.logits([black, black]).shape)  # a graph may have been traced for one image alone
        except (RuntimeError, NetworkFailed) as error:
            raise BrokenModel(f"{path} cannot be served: {' '.join(str(error).split())[:300]}") from error
        if shape != [2, class_count]:
            raise BrokenModel(f"{path} answers {shape} for two images; classes.json asks for {[2, class_count]}.")

    def logits(self, crops: Iterable[npt.NDArray[np.uint8]]) -> npt.NDArray[np.float32]:
        """Logits [N, classes] of N crops [image_size, image_size, 3], MAX_BATCH at a time. Raises NetworkFailed."""
        remaining = iter(crops)
        batches = iter(lambda: list(itertools.islice(remaining, MAX_BATCH)), [])
        logits = np.concatenate([self._batch(np.stack(batch)) for batch in batches])
        if not np.isfinite(logits).all():
            raise NetworkFailed("The network answers NaN or infinity: its weights are damaged or training diverged.")
        return logits

    def _batch(self, crops: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        torch = self._torch
        with self._lock, torch.inference_mode(), torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
            pixels = torch.from_numpy(crops).to(self._device).permute(0, 3, 1, 2)
            # TorchScript's optimiser would compile anew for batches of other sizes.
            with torch.jit.optimized_execution(False):
                logits = self._network(pixels * self._scale + self._shift)
            answered: npt.NDArray[np.float32] = logits.float().cpu().numpy()
            return answered
