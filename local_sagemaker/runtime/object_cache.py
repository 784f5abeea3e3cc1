"""Objects that were downloaded once, kept by URI and ETag, so that parallel trials fetch a data set once."""

import hashlib
import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

MAX_BYTES = 8 * 1024**3


class ObjectCache:
    """A folder of objects; beyond `max_bytes` those unused for longest go."""

    def __init__(self, folder: Path, max_bytes: int = MAX_BYTES) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._locks = [threading.Lock() for _ in range(64)]
        self._size_lock = threading.Lock()
        self._size_bytes: int | None = None

    def copy(self, uri: str, etag: str, target: Path, fetch: Callable[[Path], None]) -> None:
        """Copy the object to `target`, calling `fetch(path)` first when it is not here yet."""
        name = hashlib.sha256(f"{uri}\n{etag}".encode()).hexdigest()
        cached = self._folder / name[:2] / name
        with self._locks[int(name[:4], 16) % len(self._locks)]:
            if not cached.exists():
                cached.parent.mkdir(parents=True, exist_ok=True)
                fetch(cached)
                self._account(cached.stat().st_size)
            temporary = target.with_name(target.name + ".partial")
            try:
                os.utime(cached)
                shutil.copyfile(cached, temporary)  # jobs own their data: no links
            except FileNotFoundError:  # given up for room by another thread just now
                fetch(temporary)
        temporary.rename(target)

    def _account(self, added_bytes: int) -> None:
        with self._size_lock:
            if self._size_bytes is None:
                self._size_bytes = sum(path.stat().st_size for path in self._files())
            else:
                self._size_bytes += added_bytes
            if self._size_bytes > self._max_bytes:
                self._make_room()

    def _make_room(self) -> None:
        kept = 0
        for path in sorted(self._files(), key=lambda path: path.stat().st_mtime, reverse=True):
            size = path.stat().st_size
            if kept + size > self._max_bytes * 0.8:
                path.unlink(missing_ok=True)
            else:
                kept += size
        self._size_bytes = kept

    def _files(self) -> list[Path]:
        # A name without a suffix is complete; what a killed process left half-written ends in .partial.
        return [path for path in self._folder.glob("??/*") if not path.suffix]
