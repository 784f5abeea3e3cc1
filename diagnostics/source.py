"""Where a job's diagnostic files lie: a folder of this machine, or (the service's adapter) a prefix in S3."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol


class FileMissing(Exception):
    """The source has no such file (any more, or not yet)."""


Part = tuple[str, int, int | None]  # a file's name, where to begin, and how many bytes; None: to its end


class Source(Protocol):
    """Files below one root, such as a job's debug-output. Names are relative to it, with forward slashes."""

    def names(self, prefix: str = "", after: str = "") -> Sequence[str]:
        """The names that begin with `prefix` and sort after `after`, sorted."""

    def read(self, name: str, start: int = 0, length: int | None = None) -> bytes:
        """The bytes of a file from `start`: `length` of them, or all. Raises FileMissing."""

    def prefetch(self, parts: Sequence[Part]) -> None:
        """A hint: exactly these will be read next, in this order. Where a read is a round trip they can go together."""


class Folder:
    """A folder of this machine; one that is not there yet has no files."""

    def __init__(self, root: Path) -> None:
        self._root = os.fspath(root)  # joining texts is much quicker than paths, and is done for each file

    def names(self, prefix: str = "", after: str = "") -> list[str]:
        """Files whose writing is under way (.tmp) are left out, as is what a link to a folder leads to.

        Folders that sort before `after` are not entered.
        """
        return sorted(name for name in self._walk("", prefix, after) if name > after and name.startswith(prefix))

    def read(self, name: str, start: int = 0, length: int | None = None) -> bytes:
        """The bytes. Raises FileMissing."""
        try:
            with open(f"{self._root}/{name}", "rb") as file:
                file.seek(start)
                return file.read(-1 if length is None else length)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
            raise FileMissing(name) from error

    def prefetch(self, parts: Sequence[Part]) -> None:
        """Nothing: a disk's own read-ahead does."""

    def _walk(self, folder: str, prefix: str, after: str) -> Iterator[str]:
        try:
            entries = os.scandir(f"{self._root}/{folder}")
        except (FileNotFoundError, NotADirectoryError):
            return
        with entries:
            for entry in entries:
                name = f"{folder}{entry.name}"
                if entry.is_dir(follow_symlinks=False):
                    if _may_hold(f"{name}/", prefix, after):
                        yield from self._walk(f"{name}/", prefix, after)
                elif not name.endswith(".tmp") and (entry.is_file(follow_symlinks=False) or os.path.isfile(entry)):
                    yield name


def _may_hold(folder: str, prefix: str, after: str) -> bool:
    """Whether names in `folder` can begin with `prefix` and sort after `after`."""
    fits = folder.startswith(prefix) or prefix.startswith(folder)
    return fits and (folder >= after or after.startswith(folder))
