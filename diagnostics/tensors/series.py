"""A tensor's figure over the steps that saved it, read anew, and no more of them than asked for."""

import math
from collections.abc import Iterator, Sequence

from diagnostics.tensors.saved_step import TensorMissing
from diagnostics.tensors.stream import TensorStream


def figures(stream: TensorStream, tensor: str, figure: str, steps: Sequence[int]) -> Iterator[tuple[int, float]]:
    """Each step and the tensor's figure there: mean, min, max, std or another of SavedStep.reduced.

    nan where it was neither saved nor can be computed; a step that is not there any more is left out.
    """
    for step in stream.steps(steps, lambda name: name == tensor):
        try:
            yield step.step, step.reduced(tensor, figure)
        except TensorMissing:
            yield step.step, math.nan


def evenly(of: Sequence[int], most: int) -> list[int]:
    """At most `most` of the items, evenly chosen, the first and last among them."""
    if most < 2:
        raise ValueError(f"a series of {most} points is none: at least 2")
    if len(of) <= most:
        return list(of)
    return [of[round(at * (len(of) - 1) / (most - 1))] for at in range(most)]
