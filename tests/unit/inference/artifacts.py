"""A model artifact without training: a network whose class is the colour that the image's middle has most of."""

import json
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


def write(folder: Path, weights: float = 2.0) -> Path:
    """model.xml, model.bin, model.json and classes.json; logits are `weights` times the mean of each colour."""
    folder.mkdir(parents=True, exist_ok=True)
    size = DESCRIPTION["image_size"]
    images = op.parameter([-1, 3, size, size], np.float32, name="images")
    images.output(0).get_tensor().set_names({"images"})
    means = op.reduce_mean(images, op.constant(np.array([2, 3])), keep_dims=False)
    logits = op.matmul(means, op.constant(np.eye(3, dtype=np.float32) * np.float32(weights)), False, False)
    openvino.save_model(openvino.Model([logits], [images], "colour"), folder / "model.xml", compress_to_fp16=False)
    (folder / "model.json").write_text(json.dumps(DESCRIPTION))
    (folder / "classes.json").write_text(json.dumps(CLASSES))
    return folder
