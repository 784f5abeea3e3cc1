"""The moving average of the weights (EMA), which tells more than the last step's weights do."""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import torch


class Averages:
    """Averages of `tensors` (weights, and batch normalisations' statistics) over the steps taken so far."""

    def __init__(self, tensors: Sequence[torch.Tensor], decay: float) -> None:
        self._live = [tensor for tensor in tensors if tensor.is_floating_point()]
        self._averaged = [tensor.detach().clone() for tensor in self._live]
        self._decay = decay
        self._steps = 0

    @torch.no_grad()
    def update(self) -> None:
        """Count one step. The first ones keep less, else a short job's average would be where it began."""
        self._steps += 1
        decay = min(self._decay, (1 + self._steps) / (10 + self._steps))
        for averaged, live in zip(self._averaged, self._live, strict=True):
            averaged.lerp_(live, 1 - decay)

    @contextlib.contextmanager
    def applied(self) -> Iterator[None]:
        """Meanwhile the network has the averages for its weights."""
        self._swap()
        try:
            yield
        finally:
            self._swap()

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint holds."""
        return {"steps": self._steps, "averaged": self._averaged}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        self._steps = state["steps"]
        for averaged, saved in zip(self._averaged, state["averaged"], strict=True):
            averaged.copy_(saved)

    @torch.no_grad()
    def _swap(self) -> None:
        for averaged, live in zip(self._averaged, self._live, strict=True):
            kept = live.detach().clone()
            live.copy_(averaged)
            averaged.copy_(kept)
