"""What activations and gradients of the first steps tell of the weights they came from."""

import math

import numpy as np

from diagnostics.tensors.saved_step import Tensor

GRADIENT_VALUES = 1 << 15  # looked at of a gradient, evenly spread: its percentiles then vary by about 1 %
ACTIVATION_VALUES = 1 << 17


def gradient_range(gradient: Tensor) -> float | None:
    """The 95th percentile less the 5th; None of an empty gradient and of one with NaN or infinity."""
    values = evenly(gradient, GRADIENT_VALUES)
    if values.size == 0 or not np.isfinite(values).all():
        return None
    low, high = (values.size - 1) * 5 // 100, -(-(values.size - 1) * 95 // 100)
    parts = np.partition(values, [low, high])
    return float(parts[high]) - float(parts[low])


def is_of_softmax(gradient: Tensor) -> bool:
    """Whether a weight's gradient [classes, inputs] is that of the layer before a softmax and its cross-entropy.

    There what pulls one class up pushes the others down, and the sum over the classes is zero.
    """
    if gradient.ndim < 2 or gradient.shape[0] < 2 or gradient.size == 0:
        return False
    values = gradient.reshape(gradient.shape[0], -1)[:, :1024].astype(np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        total, left = float(np.abs(values).sum()), float(np.abs(values.sum(axis=0)).sum())
    return total > 0 and math.isfinite(total) and left < 1e-3 * total


def activation_variance(activation: Tensor) -> float | None:
    """Over all values; None of an empty tensor and of one with NaN or infinity."""
    values = evenly(activation, ACTIVATION_VALUES).astype(np.float64)
    if values.size < 2 or not np.isfinite(values).all():
        return None
    with np.errstate(over="ignore", invalid="ignore"):
        variance = float(np.var(values))
    return variance if math.isfinite(variance) else None


def difference_between_inputs(activation: Tensor) -> float | None:
    """The part of the mean square of activations [images, ...] that is variance between images; 0 where all are zero.

    None of fewer than two images, and of NaN and infinity.
    """
    if activation.ndim < 2 or activation.shape[0] < 2 or activation.size == 0:
        return None
    flat = activation.reshape(activation.shape[0], -1)
    values = flat[:, :: max(1, flat.size // ACTIVATION_VALUES)].astype(np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        square, variance = float(np.mean(values**2)), float(np.mean(np.var(values, axis=0)))
    if not math.isfinite(square):
        return None
    return 0.0 if square == 0 else variance / square


def evenly(tensor: Tensor, most: int) -> Tensor:
    """At most about `most` values of a tensor, with a stride that does not fall in step with its rows."""
    flat = tensor.reshape(-1)
    if flat.size <= most or flat.dtype.kind not in "fiub":
        return flat if flat.dtype.kind in "fiub" else flat[:0]
    stride = math.ceil(flat.size / most)
    while math.gcd(stride, tensor[0].size) > 1:
        stride += 1
    return flat[::stride]
