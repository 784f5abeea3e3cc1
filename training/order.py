"""Which images each batch of an epoch has.

That depends on the seed and the epoch alone, so a job that goes on from a checkpoint sees what it would have seen.
"""

import math
from dataclasses import dataclass

import numpy as np
from share import WHOLE, Share


@dataclass(frozen=True)
class Order:
    """`images` in batches of `batch_size`, in another order each epoch; without a `seed` as they are.

    Of several processes each takes its `share` of every batch, so that the batches are those of one that trains alone.
    """

    images: int
    batch_size: int
    seed: int | None = None
    share: Share = WHOLE

    @property
    def steps(self) -> int:
        """Batches an epoch. The last one never leaves a process a single image: batch normalisation cannot learn so."""
        steps = math.ceil(self.images / self.batch_size)
        is_last_too_small = self.images - (steps - 1) * self.batch_size < self.share.least
        return steps - 1 if steps > 1 and is_last_too_small else steps

    def epoch(self, number: int) -> list[list[int]]:
        """The images of each batch of epoch `number` that are this process's."""
        order = list(range(self.images))
        if self.seed is not None:
            order = np.random.default_rng([self.seed, number]).permutation(self.images).tolist()
        starts = [step * self.batch_size for step in range(self.steps)]
        ends = [*starts[1:], self.images]
        return [self.share.of(order[start:end]) for start, end in zip(starts, ends, strict=True)]

    def weight(self, batch: int) -> float:
        """What the mean loss of this process's share of batch `batch` (from 0) counts by: see `Share.weight`."""
        is_last = batch == self.steps - 1
        return self.share.weight(self.images - batch * self.batch_size if is_last else self.batch_size)
