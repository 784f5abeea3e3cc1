"""What a frozen backbone computes of a channel's images: once, for all jobs that share a cache.

Features depend on the data, on how it is decoded and cut, on the backbone's weights and, of augmented ones, on the
view: view n of an image is always the same one, whatever the job's seed is. Who has them needs no image at all.
"""

import hashlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict

import numpy as np
import torch
from cache_entry import Entry
from image_set import Augmentation, ImageSet
from images import Pixels, UnreadableImage, center_crop, to_tensor
from networks import Classifier
from part_file import Part, part_in_memory
from stopping import StopRequest

VERSION = 1  # goes up when the same pixels and weights give other features
BATCH_IMAGES = 32
VIEWS_STREAM = 2_000_003  # keeps the draws of views apart from those of the jobs' own augmentation


class Features:
    """Features of one channel: `plain` ones of the images' middles, and fixed augmented views.

    `network` must be frozen. Files that are no images are named, and left out of `images`, at the first call.
    """

    def __init__(
        self, network: Classifier, arch: str, images: ImageSet, device: torch.device, *, threads: int, stop: StopRequest
    ) -> None:
        self._network = network
        self._arch = arch
        self._images = images
        self._device = device
        self._threads = threads
        self._stop = stop
        self._weights = ""
        self._settled = False
        self._views: dict[int, list[Part]] = {}  # plain ones at 0
        self._entries: list[Entry] = []

    def plain(self) -> torch.Tensor:
        """[N, F] on the device. Raises ChannelError when no image is left, StopRequested when the job is to stop."""
        return self._tensor(0, None)

    def view(self, number: int, augmentation: Augmentation) -> torch.Tensor:
        """[N, F] of augmented view `number`, from 1. Raises as `plain`."""
        return self._tensor(number, augmentation)

    def _tensor(self, number: int, augmentation: Augmentation | None) -> torch.Tensor:
        if number not in self._views:
            self._views[number] = self._parts(number, augmentation)
        parts = self._views[number]
        if not self._settled:
            self._settled = True
            self._images.leave_out(
                {int(file): reason for part in parts for file, reason in part.header["skipped"].items()}
            )
        arrays = [part.array(0, part.header["shape"], np.float32) for part in parts if len(part.content)]
        return torch.from_numpy(np.concatenate(arrays)).to(self._device)

    def _parts(self, number: int, augmentation: Augmentation | None) -> list[Part]:
        images, name = self._images, "features" if number == 0 else f"features of view {number}"
        computed: list[int] = []
        # Plain features need each image once; of views there may be many.
        images.open_entry(self._threads, self._stop, make=augmentation is not None)
        with ThreadPoolExecutor(max(1, self._threads)) as pool:

            def compute(part: int) -> Part:
                computed.append(part)
                return self._compute(part, number, augmentation, pool)

            entry = None
            if images.shared is not None:
                entry = images.shared.entry("features", self._key(number, augmentation), images.parts)
            if entry is None:
                found = [compute(part) for part in range(images.parts)]
            else:
                self._entries.append(entry)
                found = entry.fill(compute, self._stop)
        share = f"{len(computed)} of {images.parts} parts by this job" if computed else "found in the cache"
        print(f"{name} of channel {images.channel.name}: {share}; the backbone is frozen", flush=True)
        return found

    def _compute(self, part: int, number: int, augmentation: Augmentation | None, pool: ThreadPoolExecutor) -> Part:
        self._stop.check()
        images = self._images.read_part(part, pool, keep=augmentation is not None)
        size = self._images.preprocessing.image_size
        files = self._images.files_of(part)
        skipped = {file: str(image) for file, image in zip(files, images, strict=True) if _is_none(image)}

        def square(file: int, pixels: Pixels) -> Pixels:
            if augmentation is None:
                return center_crop(pixels, size)
            return augmentation(pixels, size, np.random.default_rng([VIEWS_STREAM, number, file]))

        good = [(file, image) for file, image in zip(files, images, strict=True) if isinstance(image, np.ndarray)]
        squares = list(pool.map(square, *zip(*good, strict=True))) if good else []
        features = self._features_of(squares)
        return part_in_memory({"shape": list(features.shape), "skipped": skipped}, [features])

    @torch.no_grad()
    def _features_of(self, squares: list[Pixels]) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        self._network.backbone.eval()  # not the head: it may be in the middle of an epoch
        found = [np.zeros((0, 0), np.float32)] if not squares else []
        for start in range(0, len(squares), BATCH_IMAGES):
            self._stop.check()
            batch = to_tensor(squares[start : start + BATCH_IMAGES], self._images.preprocessing, self._device)
            found.append(self._network.features(batch).float().cpu().numpy())
        return np.concatenate(found)

    def _key(self, number: int, augmentation: Augmentation | None) -> dict[str, object]:
        preprocessing = {**asdict(self._images.preprocessing), **self._images.decoding_key(self._threads, self._stop)}
        self._weights = self._weights or weights_digest(self._network.backbone.state_dict())
        return {
            **preprocessing,
            "view": 0 if augmentation is None else [number, repr(augmentation)],
            "arch": self._arch,
            "weights": self._weights,
            "torch": torch.__version__,
            "device": self._device.type,
            "version": VERSION,
        }


def weights_digest(state: Mapping[str, torch.Tensor]) -> str:
    """Of names, types, shapes and numbers."""
    digest = hashlib.sha256()
    for name, tensor in sorted(state.items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\0".encode())
        digest.update(tensor.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def _is_none(image: Pixels | UnreadableImage) -> bool:
    return isinstance(image, UnreadableImage)
