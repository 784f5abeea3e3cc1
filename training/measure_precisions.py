"""Write a model's int8 graph where it is asked for, and measure each precision on the validation images.

A process of its own (quantization.py starts it), for a job's model must outlive what may become of this: it runs out of
memory, crashes in native code, or is cut off. Its only argument is a folder with request.json; it writes result.json
there, and model.int8.xml and model.int8.bin.
"""

import json
import os
import random
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from batches import ImageBatches
from channels import Channel
from image_set import ImageSet
from images import Preprocessing
from int8 import calibration_indices, write_int8_graph
from openvino_runtime import CompiledGraph, cpu_has_bf16, cpu_name
from order import Order
from precisions import GRAPHS, Measurement

IMAGES_READ_AT_ONCE = 8
TIMED_IMAGES = 50
WARM_UP_IMAGES = 5

Image = npt.NDArray[np.float32]  # [1, 3, size, size], normalised


class ValidationImages:
    """Some images of the channel one by one, in order, each exactly as evaluation sees it."""

    def __init__(self, request: dict[str, Any], indices: Sequence[int]) -> None:
        self.labels = [request["labels"][index] for index in indices]
        paths = tuple(request["paths"][index] for index in indices)
        channel = Channel("validation", Path(request["folder"]), (), paths, tuple(self.labels))
        images = ImageSet(channel, Preprocessing(**request["preprocessing"]), cache_bytes=0)
        device = torch.device("cpu")
        self._batches = ImageBatches(
            images,
            Order(len(images), IMAGES_READ_AT_ONCE),
            augmentation=None,
            num_workers=request["cpus"],
            device=device,
        )

    def __iter__(self) -> Iterator[torch.Tensor]:
        for images, _ in self._batches.epoch(0):
            for image in torch.split(images, 1):
                yield image.contiguous()


def main() -> None:
    """Do what the folder's request.json asks for."""
    folder = Path(sys.argv[1])
    request = json.loads((folder / "request.json").read_text(encoding="utf-8"))
    keep_to_cpus(request["cpus"])
    torch.set_num_threads(1)  # it only normalises here
    every = range(len(request["paths"]))
    calibration = calibration_indices(len(every)) if "int8" in request["precisions"] else []
    if calibration:
        images = ValidationImages(request, calibration)
        write_int8_graph(Path(request["model"], GRAPHS["fp32"]), folder / GRAPHS["int8"], images, len(calibration))
    has_bf16 = cpu_has_bf16()
    graphs = {
        name: (folder if name == "int8" else Path(request["model"])) / GRAPHS[name]
        for name in request["precisions"]
        if name != "bf16" or has_bf16
    }
    result = {
        "cpu": cpu_name(),
        "has_bf16": has_bf16,
        "calibration_images": len(calibration),
        "measurements": [asdict(each) for each in measure(graphs, ValidationImages(request, every), request)],
    }
    (folder / "result.json").write_text(json.dumps(result), encoding="utf-8")


def measure(graphs: dict[str, Path], images: ValidationImages, request: dict[str, Any]) -> list[Measurement]:
    """How each precision answers all images, and its time on one thread over the first of them. `graphs` have fp32."""
    size, cpus = request["preprocessing"]["image_size"], request["cpus"]
    compiled = {name: CompiledGraph(path, name, size, cpus) for name, path in graphs.items()}
    correct, agreeing = dict.fromkeys(graphs, 0), dict.fromkeys(graphs, 0)
    first: list[Image] = []
    for tensor, label in zip(images, images.labels, strict=True):
        image: Image = tensor.numpy()
        if len(first) < TIMED_IMAGES:
            first.append(image)
        answers = {name: _answer(graph.logits(image)) for name, graph in compiled.items()}
        for name, answer in answers.items():
            correct[name] += answer == label
            agreeing[name] += answer is not None and answer == answers["fp32"]
    milliseconds = time_graphs({name: CompiledGraph(path, name, size, 1) for name, path in graphs.items()}, first)
    return [Measurement(name, correct[name], agreeing[name], len(images.labels), milliseconds[name]) for name in graphs]


def _answer(logits: npt.NDArray[np.float32]) -> int | None:
    """The likeliest class; None where a logit is no number."""
    return int(logits.argmax()) if np.isfinite(logits).all() else None


def time_graphs(graphs: dict[str, CompiledGraph], images: list[Image]) -> dict[str, float]:
    """The median milliseconds an image; the graphs take turns, so that what else the machine does slows all alike."""
    images = [images[number % len(images)] for number in range(TIMED_IMAGES)]
    for graph in graphs.values():
        for image in images[:WARM_UP_IMAGES]:
            graph.logits(image)
    seconds: dict[str, list[float]] = {name: [] for name in graphs}
    for image in images:
        for name, graph in graphs.items():
            started_at = time.perf_counter()
            graph.logits(image)
            seconds[name].append(time.perf_counter() - started_at)
    return {name: round(1000 * statistics.median(each), 3) for name, each in seconds.items()}


def keep_to_cpus(count: int) -> None:
    """Use so many of this machine's CPUs: nncf compiles graphs by itself and would take them all.

    Which ones is drawn, for other jobs on this machine do the same.
    """
    available = sorted(os.sched_getaffinity(0))
    if count < len(available):
        os.sched_setaffinity(0, random.SystemRandom().sample(available, count))


if __name__ == "__main__":
    main()
