"""What a job trains on and is judged by: its channels as batches of images, or of features computed ahead once."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from arguments import Arguments
from augmentation import augmentation_of
from batches import Batches, FeatureBatches, ImageBatches
from channels import Channel
from environment import Environment
from features import Features
from image_set import Augmentation, ImageSet
from images import Preprocessing
from networks import Classifier
from order import Order
from report import write_skipped
from share import WHOLE, Share
from shared_cache import SharedCache
from stopping import StopRequest
from torch import nn


@dataclass(frozen=True)
class Input:
    """A channel's images, and the module that turns what `batches` yield into logits."""

    images: ImageSet
    network: nn.Module
    batches: Batches


class Inputs:
    """The inputs of one job. They share its memory for decoded images, and the machine's cache where there is one.

    `opened` are the channels' images so far, `share` is this process's part of what several learn from together.
    """

    def __init__(
        self,
        arguments: Arguments,
        environment: Environment,
        preprocessing: Preprocessing,
        device: torch.device,
        stop: StopRequest,
        *,
        share: Share = WHOLE,
    ) -> None:
        self._arguments = arguments
        self._environment = environment
        self._preprocessing = preprocessing
        self._device = device
        self._stop = stop
        self._share = share
        self._cache_bytes = arguments.cache_megabytes * 1_000_000
        self._shared = open_shared_cache(arguments, environment)
        self.opened: list[ImageSet] = []

    def training(self, network: Classifier, channel: Channel, *, watched: bool) -> Input:
        """Shuffled batches, augmented as the flags say; `watched`: of images even where features would do.

        Features of augmented images are those of --augmented-views views, of which an epoch takes one. Raises
        ChannelError and StopRequested, as `judged`.
        """
        arguments, views = self._arguments, self._arguments.augmented_views
        augmentation = None if arguments.augment == "none" else augmentation_of(arguments)
        if not network.frozen or watched or (augmentation is not None and arguments.mixup):  # which mixes pixels
            return self._of_images(network, channel, arguments.seed, augmentation, self._share)
        images = self._open(channel)
        features = self._features(network, images)
        if augmentation is None or views == 0:
            plain = features.plain()
            return self._of_features(network, images, lambda _: plain, arguments.seed, self._share)

        def view(epoch: int) -> torch.Tensor:
            return features.view(1 + (epoch - 1) % views, augmentation)

        view(1)
        return self._of_features(network, images, view, arguments.seed, self._share)

    def judged(self, network: Classifier, channel: Channel, *, watched: bool, alone: bool = False) -> Input:
        """The batches of the images' middles, in order; all of each batch where this process judges `alone`."""
        share = WHOLE if alone else self._share
        if not network.frozen or watched:
            return self._of_images(network, channel, None, None, share)
        images = self._open(channel)
        plain = self._features(network, images).plain()
        return self._of_features(network, images, lambda _: plain, None, share)

    def _of_images(
        self,
        network: Classifier,
        channel: Channel,
        seed: int | None,
        augmentation: Augmentation | None,
        share: Share,
    ) -> Input:
        images = self._open(channel)
        images.read_all(self._environment.cpus, self._stop)
        self._report(images)
        batches = ImageBatches(
            images,
            self._order(images, seed, share),
            augmentation=augmentation,
            num_workers=self._arguments.num_workers,
            device=self._device,
        )
        return Input(images, network, batches)

    def _of_features(
        self,
        network: Classifier,
        images: ImageSet,
        features: Callable[[int], torch.Tensor],
        seed: int | None,
        share: Share,
    ) -> Input:
        self._report(images)
        labels = torch.tensor(images.labels, device=self._device)
        return Input(images, network.head, FeatureBatches(features, labels, self._order(images, seed, share)))

    def _order(self, images: ImageSet, seed: int | None, share: Share) -> Order:
        """Of those that could be read: before they are, nobody knows how many that is."""
        return Order(len(images), self._arguments.batch_size, seed, share)

    def _features(self, network: Classifier, images: ImageSet) -> Features:
        arch, threads = self._arguments.arch, self._environment.cpus
        return Features(network, arch, images, self._device, threads=threads, stop=self._stop)

    def _open(self, channel: Channel) -> ImageSet:
        return ImageSet(channel, self._preprocessing, self._cache_bytes, self._shared)

    def _report(self, images: ImageSet) -> None:
        """Say what the channel holds, and what of it is no image."""
        channel = images.channel
        self._cache_bytes -= images.cached_bytes
        self.opened.append(images)
        if self._share.rank == 0:
            write_skipped(self._environment.output_folder, [entry for each in self.opened for entry in each.skipped])
        empty = sorted(set(range(len(channel.classes))) - set(images.labels))
        print(
            f"channel {channel.name}: {len(images)} images, {len(channel.classes)} classes, "
            f"{len(images.skipped)} files skipped",
            flush=True,
        )
        if empty:
            print(f"channel {channel.name} has no image of: {', '.join(channel.classes[index] for index in empty)}")


def open_shared_cache(arguments: Arguments, environment: Environment) -> SharedCache | None:
    """--cache-folder, else the folder that the machine offers its jobs, or this host's processes; None without."""
    folder = arguments.cache_folder or environment.cache_folder or environment.host_cache_folder
    if not folder or not arguments.disk_cache_megabytes:
        return None
    try:
        return SharedCache(Path(folder), arguments.disk_cache_megabytes * 1_000_000)
    except OSError as error:
        print(f"cache: {folder} cannot be used ({error.strerror}): images are kept in memory", flush=True)
        return None
