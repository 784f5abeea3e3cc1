"""A tensor's figure over the steps of one mode."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Curve:
    """`steps` count all steps of the job; `values` are means over the tensor. Same lengths, ascending steps."""

    tensor: str
    mode: str
    steps: Sequence[int]
    values: Sequence[float]
