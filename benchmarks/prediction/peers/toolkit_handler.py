"""A user's inference.py as the SageMaker PyTorch toolkit expects it: four functions around the classifier."""

import json
import os
from pathlib import Path

import torch
from torch_classifier import TorchClassifier  # type: ignore[import-not-found]  # its neighbour


def model_fn(model_dir: str) -> TorchClassifier:
    """Load."""
    return TorchClassifier(Path(model_dir), int(os.environ["BENCHMARK_THREADS"]))


def input_fn(body: bytes, content_type: str) -> torch.Tensor:
    """JPEG -> tensor; which model reads it, the toolkit does not tell here."""
    if content_type != "image/jpeg":
        raise ValueError(f"{content_type} is not read")
    pixels: torch.Tensor = TorchClassifier.decode(body)
    return pixels


def predict_fn(data: torch.Tensor, model: TorchClassifier) -> object:
    """The answer."""
    return model.top5(model.normalised(data)[None])[0]


def output_fn(prediction: object, accept: str) -> tuple[str, str]:  # noqa: ARG001 - JSON is all that is asked for
    """As JSON."""
    return json.dumps(prediction), "application/json"
