"""int8: post-training quantisation of the graph, calibrated on images."""

from collections.abc import Iterable
from pathlib import Path

import torch
from openvino_runtime import import_openvino

CALIBRATION_IMAGES = 300
CURVED_ACTIVATIONS = {"HSwish", "Swish"}  # of mobilenet_v3 and efficientnet_b0


def calibration_indices(images: int) -> list[int]:
    """Up to 300 of so many images, evenly spread: a channel lists its images class by class."""
    count = min(images, CALIBRATION_IMAGES)
    return [number * images // count for number in range(count)]


def write_int8_graph(source: Path, target: Path, images: Iterable[torch.Tensor], count: int) -> None:
    """Quantise the graph `source` for the CPU into `target` (and its .bin).

    `images` are `count` normalised ones [1, 3, size, size] and can be iterated more than once.
    """
    openvino = import_openvino()
    import nncf  # noqa: PLC0415 - three seconds, and most jobs do without

    model = openvino.Core().read_model(source)
    dataset = nncf.Dataset(images, lambda image: {"images": image.numpy()})
    # overflow_fix: a CPU without VNNI adds products of 8 bits in 16, so weights keep to 7: the graph is as good on any.
    # Activations that go a little below zero waste half of a symmetric range; elsewhere symmetric ones are faster.
    curved = not CURVED_ACTIVATIONS.isdisjoint(operation.get_type_name() for operation in model.get_ops())
    presets = nncf.QuantizationPreset
    quantized = nncf.quantize(
        model,
        dataset,
        preset=presets.MIXED if curved else presets.PERFORMANCE,
        target_device=nncf.TargetDevice.CPU,
        subset_size=count,
        advanced_parameters=nncf.AdvancedQuantizationParameters(overflow_fix=nncf.OverflowFix.ENABLE),
    )
    openvino.save_model(quantized, target, compress_to_fp16=False)
