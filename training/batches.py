"""Batches of one epoch, and where they come from: pixels, or features that were computed before."""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol

import numpy as np
import torch
from image_set import Augmentation, ImageSet
from images import Pixels, to_tensor
from order import Order

Batch = tuple[torch.Tensor, torch.Tensor]  # inputs [N, ...], labels int64 [N]


class Batches(Protocol):
    """A channel, ready to be iterated epoch by epoch."""

    @property
    def order(self) -> Order:
        """Which images each batch has."""

    def epoch(self, number: int, skip: int = 0) -> Iterator[Batch]:
        """Batches of epoch `number` after the first `skip`: of each this process's share."""


class ImageBatches:
    """Batches of pixels, read `num_workers` threads ahead of the network.

    With an `augmentation` each image is another one in each epoch.
    """

    def __init__(
        self,
        images: ImageSet,
        order: Order,
        *,
        augmentation: Augmentation | None,
        num_workers: int,
        device: torch.device,
    ) -> None:
        self.images = images
        self.order = order
        self.augmentation = augmentation
        self.num_workers = num_workers
        self.device = device

    def epoch(self, number: int, skip: int = 0) -> Iterator[Batch]:
        """Normalised images [N, 3, size, size] and labels of epoch `number`."""
        batches = self.order.epoch(number)[skip:]
        if self.num_workers == 0:
            for indices in batches:
                yield self._batch([self._load(number, index) for index in indices], indices)
            return
        with ThreadPoolExecutor(self.num_workers) as pool:
            ahead: deque[tuple[list[Future[Pixels]], list[int]]] = deque()
            try:
                for indices in batches:
                    ahead.append(([pool.submit(self._load, number, index) for index in indices], indices))
                    if len(ahead) > 2:
                        yield self._next(ahead)
                while ahead:
                    yield self._next(ahead)
            finally:
                pool.shutdown(cancel_futures=True)

    def _load(self, epoch: int, index: int) -> Pixels:
        if self.augmentation is None:
            return self.images.square(index)
        random = np.random.default_rng([self.order.seed or 0, epoch, index])
        return self.images.random_square(index, self.augmentation, random)

    def _next(self, ahead: "deque[tuple[list[Future[Pixels]], list[int]]]") -> Batch:
        futures, indices = ahead.popleft()
        return self._batch([future.result() for future in futures], indices)

    def _batch(self, squares: list[Pixels], indices: list[int]) -> Batch:
        labels = torch.tensor([self.images.labels[index] for index in indices], device=self.device)
        return to_tensor(squares, self.images.preprocessing, self.device), labels


class FeatureBatches:
    """Batches of features that a frozen backbone has computed before, for the head alone.

    `features` gives those of all images in an epoch, [N, F].
    """

    def __init__(self, features: Callable[[int], torch.Tensor], labels: torch.Tensor, order: Order) -> None:
        self.features = features
        self.labels = labels
        self.order = order

    def epoch(self, number: int, skip: int = 0) -> Iterator[Batch]:
        """Features [N, F] and labels of epoch `number`."""
        features = self.features(number)
        for indices in self.order.epoch(number)[skip:]:
            yield features[indices], self.labels[indices]
