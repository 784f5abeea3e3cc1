"""Tensors of a step as far as they were saved: whole, or by the figures that their reductions give."""

import math

from diagnostics.tensors.saved_step import SavedStep, Tensor, TensorMissing


def whole(step: SavedStep, name: str) -> Tensor | None:
    """None where the tensor was not saved whole, or cannot be read."""
    try:
        return step.tensor(name)
    except TensorMissing:
        return None


def figure(step: SavedStep, name: str, reduction: str) -> float | None:
    """A reduction that was saved as such; None where it was not, cannot be read, or is not finite."""
    if reduction not in step.reductions.get(name, frozenset()):
        return None
    try:
        value = step.reduced(name, reduction)
    except TensorMissing:
        return None
    return value if math.isfinite(value) else None


def deviation(step: SavedStep, name: str) -> float | None:
    """The standard deviation by the reductions saved; by abs_mean that of a normal distribution around 0."""
    saved, variance = figure(step, name, "std"), figure(step, name, "variance")
    if saved is not None:
        return saved
    if variance is not None and variance >= 0:
        return math.sqrt(variance)
    mean = figure(step, name, "abs_mean")
    return None if mean is None else mean * math.sqrt(math.pi / 2)
