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
    operations = model.get_ordered_ops()
    curved = not CURVED_ACTIVATIONS.isdisjoint(operation.get_type_name() for operation in operations)
    presets = nncf.QuantizationPreset
    # An activation's range is all that calibration saw of it: nncf's default, the mean of the images' own ranges, cuts
    # something off of every other image. The last layer is float32: hardly any work, and its error is the logits'.
    head = [operation.get_friendly_name() for operation in operations if operation.get_type_name() == "MatMul"][-1:]
    ranges = nncf.quantization.range_estimator.RangeEstimatorParametersSet.MINMAX
    quantized = nncf.quantize(
        model,
        dataset,
        preset=presets.MIXED if curved else presets.PERFORMANCE,
        target_device=nncf.TargetDevice.CPU,
        subset_size=count,
        ignored_scope=nncf.IgnoredScope(names=head),
        advanced_parameters=nncf.AdvancedQuantizationParameters(
            overflow_fix=nncf.OverflowFix.ENABLE, activations_range_estimator_params=ranges
        ),
    )
    openvino.save_model(quantized, target, compress_to_fp16=False)
