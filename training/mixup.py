"""Mixup: each image is shown with a share of another one, and is to be told as that mixture."""

from dataclasses import dataclass

import numpy as np
import torch

STREAM = 1_000_003  # keeps these draws apart from those of augmentation, which begin with seed and epoch as well


@dataclass(frozen=True)
class Mixture:
    """Entry i of a batch has `share` (at least half) of its own, the rest is entry `order[i]`'s."""

    share: float
    order: torch.Tensor

    def of(self, batch: torch.Tensor) -> torch.Tensor:
        """The batch [N, ...], mixed."""
        return torch.lerp(batch[self.order.to(batch.device)], batch, self.share)

    def of_labels(self, labels: torch.Tensor, classes: int) -> torch.Tensor:
        """Labels [N] as shares of the classes [N, classes]."""
        return self.of(torch.nn.functional.one_hot(labels, classes).to(torch.float32))


def draw_mixture(images: int, alpha: float, seed: int, *, epoch: int, batch: int, rank: int = 0) -> Mixture:
    """The mixture of one batch, or of the `rank`th process's share of it; it depends on seed and place alone.

    The share of an image's own is of Beta(alpha, alpha).
    """
    random = np.random.default_rng([seed, epoch, batch, STREAM, *([rank] if rank else [])])
    share = float(random.beta(alpha, alpha))
    return Mixture(max(share, 1 - share), torch.from_numpy(random.permutation(images)))
