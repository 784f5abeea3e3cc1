"""torch.compile of a backbone: a minute at the start for faster steps."""

import shutil
from collections.abc import Callable

import torch
from errors import PrecisionError
from torch import nn


def compiled(backbone: nn.Module) -> Callable[[torch.Tensor], torch.Tensor]:
    """What computes as `backbone` does; its code is made when the first batch comes. Raises PrecisionError.

    The backbone itself stays as it is, for checkpoints and the artifact. Sizes may differ from batch to batch.
    """
    if shutil.which("g++") is None and shutil.which("clang++") is None:
        raise PrecisionError("--compile true needs a C++ compiler, and there is none here: give --compile false")

    def compute(images: torch.Tensor) -> torch.Tensor:
        features: torch.Tensor = backbone(images)
        return features

    function: Callable[[torch.Tensor], torch.Tensor] = torch.compile(compute)
    return function
