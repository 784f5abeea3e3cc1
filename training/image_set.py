"""A channel's readable images, decoded once: in the machine's shared cache, else in memory as far as that goes."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from cache_entry import Entry
from channels import Channel
from data_digest import data_digest
from errors import ChannelError
from images import Pixels, Preprocessing, UnreadableImage, center_crop, decoder, read_image
from part_file import Part, part_in_memory
from shared_cache import SharedCache
from stopping import StopRequest

PART_IMAGES = 64  # large enough that files are few, small enough that parallel jobs end at the same time

Augmentation = Callable[[Pixels, int, np.random.Generator], Pixels]  # pixels, side of the square -> the square


@dataclass(frozen=True)
class Skipped:
    """A file that is in the channel and no readable image."""

    channel: str
    path: str
    reason: str


class ImageSet:
    """Every readable image of one channel, by its place among them.

    `paths`, `labels` and `skipped` are final after `read_all` or `leave_out`. Without `shared`, what does not fit
    `cache_bytes` decoded is decoded again each time; with it, so is what the disk has no room for.
    """

    def __init__(
        self, channel: Channel, preprocessing: Preprocessing, cache_bytes: int, shared: SharedCache | None = None
    ) -> None:
        self.channel = channel
        self.preprocessing = preprocessing
        self.cache_bytes = cache_bytes
        self.shared = shared
        self.paths = list(channel.paths)
        self.labels = list(channel.labels)
        self.skipped: list[Skipped] = []
        self._files = list(range(len(channel.paths)))  # of each image, its place among all files of the channel
        self._room = cache_bytes
        self._memory: dict[int, Pixels] = {}  # by file
        self._parts: dict[int, Part] = {}
        self._entry: Entry | None = None
        self._digest: str | None = None

    def __len__(self) -> int:
        return len(self.paths)

    @property
    def cached_bytes(self) -> int:
        """Bytes of the decoded images in memory."""
        return self.cache_bytes - self._room

    @property
    def parts(self) -> int:
        """How many parts of PART_IMAGES files the channel has."""
        return -(-len(self.channel.paths) // PART_IMAGES)

    def files_of(self, part: int) -> range:
        """The files of one part, readable or not."""
        return range(part * PART_IMAGES, min((part + 1) * PART_IMAGES, len(self.channel.paths)))

    def digest(self, threads: int, stop: StopRequest) -> str:
        """The data's digest (data_digest.py). Raises StopRequested."""
        if self._digest is None:
            folder = None if self.shared is None else self.shared.folder
            self._digest = data_digest(self.channel, folder, threads, stop)
        return self._digest

    def decoding_key(self, threads: int, stop: StopRequest) -> dict[str, object]:
        """What the decoded pixels depend on. Raises StopRequested."""
        data = self.digest(threads, stop)
        return {"data": data, "resize": self.preprocessing.resize_size, "decoder": decoder(), "images": PART_IMAGES}

    def read_all(self, threads: int, stop: StopRequest) -> None:
        """Decode every image once, and find the files that are none, which are named and left out.

        Raises ChannelError when no image is left, StopRequested when the job is to stop.
        """
        if self.shared is not None:
            self._entry = self.shared.entry("images", self.decoding_key(threads, stop), self.parts)
        reasons: dict[int, str] = {}
        with ThreadPoolExecutor(max(1, threads)) as pool:

            def decode(number: int) -> Part:
                stop.check()
                return _as_part(list(pool.map(self._try_to_read, self.files_of(number))))

            if self._entry is None:
                parts = [self._keep(number, decode(number)) for number in range(self.parts)]
            else:
                parts = self._entry.fill(decode, stop, self._keep)
        for number, part in enumerate(parts):
            if len(part.content):
                self._parts[number] = part
            entries = zip(self.files_of(number), part.header["images"], strict=True)
            reasons |= {file: image for file, image in entries if isinstance(image, str)}
        self.leave_out(reasons)

    def leave_out(self, reasons: Mapping[int, str]) -> None:
        """Name the files that are no readable images, with the reason of each, and go on without them.

        Raises ChannelError when no image is left.
        """
        for file in sorted(reasons):
            path, reason = self.channel.paths[file], reasons[file]
            self.skipped.append(Skipped(self.channel.name, path, reason))
            print(f"skipped {self.channel.name}/{path}: {reason}", flush=True)
        self._files = [file for file in range(len(self.channel.paths)) if file not in reasons]
        self.paths = [self.channel.paths[file] for file in self._files]
        self.labels = [self.channel.labels[file] for file in self._files]
        if not self._files:
            raise ChannelError(f'channel "{self.channel.name}" has no readable image')

    def read_part(self, number: int, pool: ThreadPoolExecutor, *, keep: bool) -> list[Pixels | UnreadableImage]:
        """The images of one part, from where they are, else decoded; `keep`: for another time."""
        part = self._parts.get(number)
        if part is None and self._entry is not None:
            part = self._entry.read(number)
        files = self.files_of(number)
        if part is None and all(file in self._memory for file in files):
            return [self._memory[file] for file in files]
        if part is None:
            part = _as_part(list(pool.map(self._try_to_read, files)))
            if keep and self._entry is None:
                self._keep(number, part)
            elif keep and self._entry is not None:
                decoded = part
                part = self._entry.part(number, lambda _: decoded)
        return [
            UnreadableImage(image) if isinstance(image, str) else _pixels(part, image)
            for image in part.header["images"]
        ]

    def open_entry(self, threads: int, stop: StopRequest, *, make: bool) -> None:
        """Have `read_part` look into the shared cache, where images are there, or are to be kept. Raises OSError."""
        if self.shared is not None and self._entry is None:
            key = self.decoding_key(threads, stop)
            if make or self.shared.has("images", key):
                self._entry = self.shared.entry("images", key, self.parts)

    def square(self, index: int) -> Pixels:
        """Image `index` as evaluation sees it: the middle of it."""
        return center_crop(self._pixels(index), self.preprocessing.image_size)

    def random_square(self, index: int, augmentation: Augmentation, random: np.random.Generator) -> Pixels:
        """Image `index`, changed at random."""
        return augmentation(self._pixels(index), self.preprocessing.image_size, random)

    def _pixels(self, index: int) -> Pixels:
        file = self._files[index]
        if (cached := self._memory.get(file)) is not None:
            return cached
        number, place = divmod(file, PART_IMAGES)
        if (part := self._parts.get(number)) is not None:
            return _pixels(part, part.header["images"][place])
        return self._read(file)

    def _read(self, file: int) -> Pixels:
        return read_image(self.channel.folder / self.channel.paths[file], self.preprocessing.resize_size)

    def _try_to_read(self, file: int) -> Pixels | UnreadableImage:
        try:
            return self._read(file)
        except UnreadableImage as error:
            return error

    def _keep(self, number: int, part: Part) -> Part:
        """Keep of a part's images in memory what there is room for; what remains of the part is its header."""
        for file, image in zip(self.files_of(number), part.header["images"], strict=True):
            if not isinstance(image, str) and (pixels := _pixels(part, image)).nbytes <= self._room:
                self._room -= pixels.nbytes
                self._memory[file] = pixels.copy()
        return Part(part.header, part.content[:0])


def _as_part(results: list[Pixels | UnreadableImage]) -> Part:
    """Its header tells of each file where its pixels begin, height and width, or why it is no image."""
    images: list[list[int] | str] = []
    arrays: list[Pixels] = []
    offset = 0
    for result in results:
        if isinstance(result, UnreadableImage):
            images.append(str(result))
            continue
        images.append([offset, *result.shape[:2]])
        arrays.append(result)
        offset += result.nbytes
    return part_in_memory({"images": images}, arrays)


def _pixels(part: Part, image: list[int]) -> Pixels:
    offset, height, width = image
    pixels: Pixels = part.array(offset, (height, width, 3), np.uint8)
    return pixels
