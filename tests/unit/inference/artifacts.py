"""A model artifact without training: a network whose class is the colour that the image's middle has most of."""

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import openvino
from openvino import opset13 as op

DESCRIPTION: dict[str, Any] = {
    "format_version": 1,
    "architecture": "colour",
    "image_size": 32,
    "resize_size": 36,
    "mean": [0.5, 0.5, 0.5],
    "std": [0.25, 0.25, 0.25],
    "interpolation": "bilinear",
    "version": "colours-1",
}
CLASSES = [
    {"index": 0, "folder": "001.Red_setter", "breed": "Red setter"},
    {"index": 1, "folder": "002.Green_hound", "breed": "Green hound"},
    {"index": 2, "folder": "003.Blue_épagneul", "breed": "Blue épagneul"},
]
RED, GREEN, BLUE = (220, 30, 30), (30, 220, 30), (30, 30, 220)


def write(folder: Path, weights: float = 2.0, ballast: int = 0) -> Path:
    """model.xml, model.bin, model.json and classes.json; logits are `weights` times the mean of each colour.

    `ballast` is how many weights more the network has, without any effect.
    """
    folder.mkdir(parents=True, exist_ok=True)
    size = DESCRIPTION["image_size"]
    images = op.parameter([-1, 3, size, size], np.float32, name="images")
    images.output(0).get_tensor().set_names({"images"})
    means = op.reduce_mean(images, op.constant(np.array([2, 3])), keep_dims=False)
    logits = op.matmul(means, op.constant(np.eye(3, dtype=np.float32) * np.float32(weights)), False, False)
    if ballast:
        dice = np.random.default_rng(1)
        out = dice.normal(0, 1e-9, (3, ballast // 6)).astype(np.float32)
        back = dice.normal(0, 1e-9, (ballast // 6, 3)).astype(np.float32)
        logits = op.add(
            logits, op.matmul(op.matmul(means, op.constant(out), False, False), op.constant(back), False, False)
        )
    openvino.save_model(openvino.Model([logits], [images], "colour"), folder / "model.xml", compress_to_fp16=False)
    (folder / "model.json").write_text(json.dumps(DESCRIPTION))
    (folder / "classes.json").write_text(json.dumps(CLASSES))
    return folder


def write_torch(folder: Path, weights: float = 2.0) -> Path:
    """The same network as model.pt."""
    import torch

    class Colour(torch.nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return images.mean((2, 3)) * weights

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch.jit is deprecated
        example = torch.zeros(2, 3, DESCRIPTION["image_size"], DESCRIPTION["image_size"])
        torch.jit.trace(Colour(), example, check_trace=False).save(str(folder / "model.pt"))  # type: ignore[no-untyped-call]
    return folder
