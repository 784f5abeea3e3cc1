"""What a layer's weights tell of how they were made: by an initialiser, well or badly, or by training."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from diagnostics.tensors.saved_step import Tensor

# Bounds of a healthy variance times a fan. The usual initialisers (kaiming, xavier, orthogonal, PyTorch's default,
# LeCun's, a truncated normal of 0.02) lie within, whichever of the fans they use.
LEAST, MOST = 0.1, 2.0
MOST_VALUES = 1 << 18  # of a weight that are looked at: whole units, evenly spread
FEWEST_VALUES = 128  # to tell trained weights from drawn ones
STANDARD_ERRORS = 8.0
SPREAD = 1.5
TAILS = 0.3


@dataclass(frozen=True)
class InitialWeight:
    """A weight [units, inputs, ...] as it was when first saved.

    `zero`: nothing but zeros. `same_units`: all units have the same weights, though not zeros, and see the same inputs.
    `pretrained`: no initialiser draws such values. `rms`: root of the mean square. `departure`: the mean square over
    the highest that suits the shape where it is above, over the lowest where it is below, else 1.
    """

    zero: bool
    same_units: bool
    pretrained: bool
    rms: float
    departure: float


def initial_weight(weight: Tensor) -> InitialWeight | None:
    """Of a weight with two dimensions at least; None of others, of empty ones and of those with NaN or infinity."""
    if weight.ndim < 2 or weight.size == 0 or weight.dtype.kind != "f":
        return None
    values = sampled_units(weight)
    if not np.isfinite(values).all():
        return None
    with np.errstate(over="ignore"):
        square = float(np.mean(values * values))
    zero = square == 0 and not weight.any()
    same = not zero and _same_units(weight, values)
    return InitialWeight(
        zero=zero,
        same_units=same,
        pretrained=not zero and not same and looks_pretrained(values),
        rms=math.sqrt(square),
        departure=departure(square, weight.shape),
    )


def departure(square: float, shape: tuple[int, ...]) -> float:
    """How many times the mean `square` of a weight lies beyond the initialisers of its shape: above 1, or below it.

    With r the size of the kernel, the fans are inputs * r and units * r. The least is 0.1 over the larger one. The most
    is 2 over the smaller one of a convolution; of a linear layer 2 over its inputs, or 1/3 over its units, as some
    heads are drawn from 1/sqrt(units).
    """
    kernel = math.prod(shape[2:])
    fan_in, fan_out = max(shape[1] * kernel, 1), max(shape[0] * kernel, 1)
    least = LEAST / max(fan_in, fan_out)
    most = MOST / min(fan_in, fan_out) if len(shape) > 2 else max(MOST / fan_in, 1 / (3 * fan_out))
    return square / most if square > most else square / least if square < least else 1.0


def sampled_units(weight: Tensor) -> npt.NDArray[np.float64]:
    """[units, values]: about MOST_VALUES values, of all units or some evenly spread, with all their values or some."""
    flat: Tensor = weight.reshape(weight.shape[0], -1)
    rows = max(min(flat.shape[0], 32), flat.shape[0] * MOST_VALUES // flat.size)
    flat = flat[:: max(1, math.ceil(flat.shape[0] / max(rows, 1)))]
    return flat[:, :: max(1, math.ceil(flat.size / MOST_VALUES))].astype(np.float64)


def looks_pretrained(values: npt.NDArray[np.float64]) -> bool:
    """Whether values [units, inputs] are not drawn independently from one uniform or (truncated) normal distribution.

    Training leaves heavy tails, and units, inputs and places in the kernel that differ in mean and in size. Each is
    compared with what chance allows; orthogonal matrices vary less than that.
    """
    scale = float(np.abs(values).max())
    if values.size < FEWEST_VALUES or scale == 0:
        return False
    values = values / scale
    deviations = values - values.mean()
    variance = float(np.mean(deviations**2))
    if variance <= 1e-12 or math.isnan(variance):
        return False
    tails = float(np.mean(deviations**4)) / variance**2 - 3  # 0 of a normal distribution, -1.2 of a uniform one
    if tails > TAILS and tails > STANDARD_ERRORS * math.sqrt(24 / values.size):
        return True
    return any(
        _differ(deviations.mean(axis), variance / deviations.shape[axis])
        or _differ((deviations**2).mean(axis), variance**2 * (tails + 2) / deviations.shape[axis])
        for axis in (0, 1)
        if deviations.shape[axis] >= 8
    )


def _differ(figures: npt.NDArray[np.float64], variance: float) -> bool:
    """Whether figures vary clearly more than the `variance` that chance gives them."""
    if len(figures) < 8 or variance <= 0:
        return False
    times = float(np.var(figures)) / variance
    return times > SPREAD and (times - 1) / math.sqrt(2 / len(figures)) > STANDARD_ERRORS


def _same_units(weight: Tensor, values: npt.NDArray[np.float64]) -> bool:
    """The units of a depthwise convolution see one channel each, so they differ even with the same weights."""
    depthwise = weight.ndim > 2 and weight.shape[1] == 1
    if depthwise or weight.shape[0] < 2 or weight[0].size < 2 or not (values == values[0]).all():
        return False
    return bool((weight == weight[0]).all())
