"""A channel's readable images in memory or on disk, as squares for the network."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from channels import Channel
from errors import ChannelError
from images import Pixels, Preprocessing, UnreadableImage, center_crop, random_crop, read_image
from stopping import StopRequest


@dataclass(frozen=True)
class Skipped:
    """A file that is in the channel and no readable image."""

    channel: str
    path: str
    reason: str


class ImageSet:
    """Every readable image of one channel; what does not fit `cache_bytes` decoded is decoded again each time."""

    def __init__(self, channel: Channel, preprocessing: Preprocessing, cache_bytes: int) -> None:
        self.channel = channel
        self.preprocessing = preprocessing
        self.cache_bytes = cache_bytes
        self.paths = list(channel.paths)
        self.labels = list(channel.labels)
        self.skipped: list[Skipped] = []
        self._cache: dict[int, Pixels] = {}

    def __len__(self) -> int:
        return len(self.paths)

    @property
    def cached_bytes(self) -> int:
        """Bytes of the decoded images in memory."""
        return sum(pixels.nbytes for pixels in self._cache.values())

    def read_all(self, threads: int, stop: StopRequest) -> None:
        """Decode every image once: it fills the cache and finds the files that are none, which are named and left out.

        Raises ChannelError when no image is left, StopRequested when the job is to stop.
        """
        room = self.cache_bytes
        kept: list[int] = []
        with ThreadPoolExecutor(max(1, threads)) as pool:
            # In portions, so that no more than one of them is in memory beside the cache.
            for start in range(0, len(self.paths), 64):
                stop.check()
                indices = range(start, min(start + 64, len(self.paths)))
                for index, result in zip(indices, pool.map(self._try_to_read, indices), strict=True):
                    if isinstance(result, UnreadableImage):
                        self._skip(index, result)
                        continue
                    if result.nbytes <= room:
                        room -= result.nbytes
                        self._cache[len(kept)] = result
                    kept.append(index)
        self.paths = [self.paths[index] for index in kept]
        self.labels = [self.labels[index] for index in kept]
        if not kept:
            raise ChannelError(f'channel "{self.channel.name}" has no readable image')

    def square(self, index: int) -> Pixels:
        """Image `index` as evaluation sees it: the middle of it."""
        return center_crop(self._pixels(index), self.preprocessing.image_size)

    def random_square(self, index: int, random: np.random.Generator) -> Pixels:
        """Image `index` cropped and mirrored at random."""
        return random_crop(self._pixels(index), self.preprocessing.image_size, random)

    def _pixels(self, index: int) -> Pixels:
        cached = self._cache.get(index)
        return self._read(index) if cached is None else cached

    def _read(self, index: int) -> Pixels:
        return read_image(self.channel.folder / self.paths[index], self.preprocessing.resize_size)

    def _try_to_read(self, index: int) -> Pixels | UnreadableImage:
        try:
            return self._read(index)
        except UnreadableImage as error:
            return error

    def _skip(self, index: int, error: UnreadableImage) -> None:
        self.skipped.append(Skipped(self.channel.name, self.paths[index], str(error)))
        print(f"skipped {self.channel.name}/{self.paths[index]}: {error}", flush=True)
