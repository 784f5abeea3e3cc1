"""A model artifact that anybody can check by eye: its breed is the image's dominant colour."""

import json
import tempfile
from pathlib import Path

import numpy as np
import openvino
from openvino import opset13 as ops

from tests.unit.service.serving.archives import model_archive

BREEDS = ("Red setter", "Green hound", "Blue heeler")
IMAGE_SIZE = 32


def artifact(version: str, breeds: tuple[str, ...] = BREEDS) -> bytes:
    """model.tar.gz as training leaves it: logits are the mean red, green and blue, weighed heavily."""
    images = ops.parameter([-1, 3, IMAGE_SIZE, IMAGE_SIZE], np.float32, name="images")
    means = ops.reduce_mean(images, ops.constant([2, 3]), keep_dims=False)
    logits = ops.multiply(means, ops.constant(np.float32(20.0)))
    model = openvino.Model([logits], [images], "colour")
    model.inputs[0].get_tensor().set_names({"images"})
    with tempfile.TemporaryDirectory() as folder:
        openvino.save_model(model, Path(folder) / "model.xml", compress_to_fp16=False)
        network = {name: (Path(folder) / name).read_bytes() for name in ("model.xml", "model.bin")}
    description = {
        "format_version": 1,
        "architecture": "colour",
        "image_size": IMAGE_SIZE,
        "resize_size": IMAGE_SIZE,
        "mean": [0.0, 0.0, 0.0],
        "std": [1.0, 1.0, 1.0],
        "interpolation": "bilinear",
        "version": version,
    }
    classes = [
        {"index": index, "folder": f"{index + 1:03}.{breed.replace(' ', '_')}", "breed": breed}
        for index, breed in enumerate(breeds)
    ]
    return model_archive(
        {"model.json": json.dumps(description).encode(), "classes.json": json.dumps(classes).encode(), **network}
    )
