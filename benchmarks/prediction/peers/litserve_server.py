"""LitServe in front of the classifier: `litserve_server.py MODEL_FOLDER PORT BATCH WORKERS THREADS`.

Runs in the environment of requirements/litserve.txt.
"""

import sys
from pathlib import Path
from typing import Annotated, Any

import litserve  # type: ignore[import-not-found]  # in its own environment
import torch
from fastapi import Body
from torch_classifier import TorchClassifier  # type: ignore[import-not-found]  # its neighbour, run as a script

BATCH_TIMEOUT_SECONDS = 0.005


class Classify(litserve.LitAPI):  # type: ignore[misc]
    """The four steps as LitServe's documentation has them; the body is the JPEG itself, the cheapest way in."""

    def __init__(self, folder: Path, threads: int, batch: int) -> None:
        super().__init__(max_batch_size=batch, batch_timeout=BATCH_TIMEOUT_SECONDS if batch > 1 else 0.0)
        self._folder, self._threads, self._batched = folder, threads, batch > 1

    def setup(self, device: str) -> None:  # noqa: ARG002 - LitServe's
        """In a worker: load."""
        self.classifier = TorchClassifier(self._folder, self._threads)

    def decode_request(self, request: Annotated[bytes, Body(media_type="image/jpeg")]) -> torch.Tensor:
        """JPEG -> tensor."""
        tensor: torch.Tensor = self.classifier.tensor(request)
        return tensor

    def batch(self, inputs: list[torch.Tensor]) -> torch.Tensor:
        """Tensors -> one."""
        return torch.stack(inputs)

    def predict(self, x: torch.Tensor) -> Any:
        """A list of answers for a batch, an answer for an image."""
        return self.classifier.top5(x) if self._batched else self.classifier.top5(x[None])[0]

    def unbatch(self, output: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """They are apart already."""
        return output


if __name__ == "__main__":
    folder, port, batch, workers, threads = Path(sys.argv[1]), *map(int, sys.argv[2:])
    server = litserve.LitServer(
        Classify(folder, threads, batch), accelerator="cpu", workers_per_device=workers, timeout=300
    )
    server.run(host="127.0.0.1", port=port, num_api_servers=1, generate_client_file=False, log_level="warning")
