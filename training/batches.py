"""Batches of one epoch: which images, in which order, and where they come from.

The order depends on the seed and the epoch alone, so a job that goes on from a checkpoint sees what it would have seen.
Of several processes each takes its share of every batch, so that the batches are those of a process that trains alone.
"""

import math
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol

import numpy as np
import torch
from image_set import Augmentation, ImageSet
from images import Pixels, to_tensor
from share import WHOLE, Share

Batch = tuple[torch.Tensor, torch.Tensor]  # inputs [N, ...], labels int64 [N]


class Batches(Protocol):
    """A channel, ready to be iterated epoch by epoch."""

    @property
    def steps(self) -> int:
        """Batches an epoch."""

    def epoch(self, number: int, skip: int = 0) -> Iterator[Batch]:
        """Batches of epoch `number` after the first `skip`: of each this process's share."""

    def weight(self, batch: int) -> float:
        """What the mean loss of this process's share of batch `batch` (from 0) counts by."""


def split_into_batches(
    images: int, batch_size: int, seed: int | None, epoch: int, share: Share = WHOLE
) -> list[list[int]]:
    """Indices of each batch's `share`; in order when `seed` is None.

    The last batch never leaves a process a single image beside others: batch normalisation cannot learn from one.
    """
    order = np.arange(images) if seed is None else np.random.default_rng([seed, epoch]).permutation(images)
    batches = [order[start : start + batch_size].tolist() for start in range(0, images, batch_size)]
    if len(batches) > 1 and len(batches[-1]) < share.least:
        batches[-2:] = [batches[-2] + batches[-1]]
    return [share.of(batch) for batch in batches]


def batches_an_epoch(images: int, batch_size: int, share: Share = WHOLE) -> int:
    """How many `split_into_batches` makes of them."""
    steps = math.ceil(images / batch_size)
    is_last_too_small = images - (steps - 1) * batch_size < share.least
    return steps - 1 if steps > 1 and is_last_too_small else steps


def weight_of_batch(batch: int, images: int, batch_size: int, share: Share) -> float:
    """`Share.weight` of batch `batch`, of which the last one has what remains."""
    is_last = batch == batches_an_epoch(images, batch_size, share) - 1
    return share.weight(images - batch * batch_size if is_last else batch_size)


class ImageBatches:
    """Batches of pixels, read `num_workers` threads ahead of the network; shuffled where `seed` is given.

    With an `augmentation` each image is another one in each epoch.
    """

    def __init__(
        self,
        images: ImageSet,
        batch_size: int,
        *,
        seed: int | None,
        augmentation: Augmentation | None,
        num_workers: int,
        device: torch.device,
        share: Share = WHOLE,
    ) -> None:
        self.images = images
        self.batch_size = batch_size
        self.seed = seed
        self.augmentation = augmentation
        self.num_workers = num_workers
        self.device = device
        self.share = share

    @property
    def steps(self) -> int:
        """Batches an epoch."""
        return batches_an_epoch(len(self.images), self.batch_size, self.share)

    def weight(self, batch: int) -> float:
        """What the mean loss of this process's share of batch `batch` counts by."""
        return weight_of_batch(batch, len(self.images), self.batch_size, self.share)

    def epoch(self, number: int, skip: int = 0) -> Iterator[Batch]:
        """Normalised images [N, 3, size, size] and labels of epoch `number`."""
        batches = split_into_batches(len(self.images), self.batch_size, self.seed, number, self.share)[skip:]
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
        random = np.random.default_rng([self.seed or 0, epoch, index])
        return self.images.random_square(index, self.augmentation, random)

    def _next(self, ahead: "deque[tuple[list[Future[Pixels]], list[int]]]") -> Batch:
        futures, indices = ahead.popleft()
        return self._batch([future.result() for future in futures], indices)

    def _batch(self, squares: list[Pixels], indices: list[int]) -> Batch:
        labels = torch.tensor([self.images.labels[index] for index in indices], device=self.device)
        return to_tensor(squares, self.images.preprocessing, self.device), labels


class FeatureBatches:
    """Batches of features that a frozen backbone has computed once, for the head alone."""

    def __init__(
        self,
        features: torch.Tensor,
        labels: torch.Tensor,
        batch_size: int,
        *,
        seed: int | None,
        share: Share = WHOLE,
    ) -> None:
        self.features = features
        self.labels = labels
        self.batch_size = batch_size
        self.seed = seed
        self.share = share

    @property
    def steps(self) -> int:
        """Batches an epoch."""
        return batches_an_epoch(len(self.labels), self.batch_size, self.share)

    def weight(self, batch: int) -> float:
        """What the mean loss of this process's share of batch `batch` counts by."""
        return weight_of_batch(batch, len(self.labels), self.batch_size, self.share)

    def epoch(self, number: int, skip: int = 0) -> Iterator[Batch]:
        """Features [N, F] and labels of epoch `number`."""
        batches = split_into_batches(len(self.labels), self.batch_size, self.seed, number, self.share)
        for indices in batches[skip:]:
            yield self.features[indices], self.labels[indices]


class ViewBatches:
    """Batches of the features of one fixed view of all images in each epoch, for the head alone.

    `views` gives the features [N, F] of an epoch.
    """

    def __init__(
        self,
        views: Callable[[int], torch.Tensor],
        labels: torch.Tensor,
        batch_size: int,
        *,
        seed: int | None,
        share: Share = WHOLE,
    ) -> None:
        self.views = views
        self.labels = labels
        self.batch_size = batch_size
        self.seed = seed
        self.share = share

    @property
    def steps(self) -> int:
        """Batches an epoch."""
        return batches_an_epoch(len(self.labels), self.batch_size, self.share)

    def weight(self, batch: int) -> float:
        """What the mean loss of this process's share of batch `batch` counts by."""
        return weight_of_batch(batch, len(self.labels), self.batch_size, self.share)

    def epoch(self, number: int, skip: int = 0) -> Iterator[Batch]:
        """Features [N, F] and labels of epoch `number`."""
        views = self.views(number)
        features = FeatureBatches(views, self.labels, self.batch_size, seed=self.seed, share=self.share)
        yield from features.epoch(number, skip)
