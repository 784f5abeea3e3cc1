"""A folder of this machine in which jobs keep what they would all compute alike: decoded images and features.

    KIND-DIGEST/       an entry: key.json (what it was made of), use, NUMBER.part, NUMBER.lock
    digests/           digests of data sets, by names, sizes and times of their files (data_digest.py)
    .removed-*         entries that are being removed

Its size is bounded: entries that nobody has open go when there is no room, the one first that was not used longest.
Nothing in it is needed: it may be deleted at any time.
"""

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

from cache_entry import USE, Entry, NoRoom
from json_file import write_json
from part_file import TEMPORARY, is_abandoned

REMOVED = ".removed-"
READ_ONLY = {errno.EROFS, errno.EACCES, errno.EPERM}


class SharedCache:
    """The folder, of at most `max_bytes`. Raises OSError where it can be neither made nor read."""

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self.folder = folder
        self.max_bytes = max_bytes
        with contextlib.suppress(FileExistsError):
            folder.mkdir(parents=True)
        self._tidy()

    def entry(self, kind: str, key: Mapping[str, object], parts: int) -> Entry | None:
        """The entry of `kind` that was made of `key`, opened, and made where it is missing.

        None, and a printed line, where the disk has no room for it or fails.
        """
        folder = self.folder / self._name(kind, key)
        try:
            return self._open(folder, {"kind": kind, **key}, parts)
        except OSError as error:
            print(f"cache: {folder} cannot be made ({error.strerror or error}): {kind} are kept in memory", flush=True)
            return None

    def _open(self, folder: Path, note: Mapping[str, object], parts: int) -> Entry:
        while True:
            try:
                folder.mkdir(exist_ok=True)
                if not (folder / "key.json").exists():
                    write_json(folder / "key.json", note)
                descriptor = _open_in_use(folder)
            except FileNotFoundError:  # removed between these lines
                continue
            except OSError as error:
                if error.errno not in READ_ONLY or not folder.is_dir():
                    raise
                descriptor = None
            return Entry(folder, parts, descriptor, partial(self._make_room, folder))

    def has(self, kind: str, key: Mapping[str, object]) -> bool:
        """Whether there is such an entry, complete or not."""
        return (self.folder / self._name(kind, key)).is_dir()

    def _name(self, kind: str, key: Mapping[str, object]) -> str:
        text = json.dumps(key, sort_keys=True, separators=(",", ":"))
        return f"{kind}-{hashlib.sha256(text.encode()).hexdigest()[:32]}"

    def _make_room(self, folder: Path, wanted: int) -> None:
        """Remove old entries until `wanted` bytes more fit, never `folder` itself. Raises NoRoom."""
        sizes = {entry: _size(entry) for entry in self._entries()}
        total = sum(sizes.values()) + wanted
        for entry in sorted(sizes, key=_last_use):
            if total <= self.max_bytes:
                return
            if entry != folder and _remove(entry):
                print(f"cache: removed {entry.name}, not used for longest", flush=True)
                total -= sizes[entry]
        if total > self.max_bytes:
            raise NoRoom(
                f"{self.folder} may hold {self.max_bytes // 1_000_000} MB (--disk-cache-megabytes), all in use"
            )

    def _entries(self) -> Iterator[Path]:
        with os.scandir(self.folder) as scan:
            yield from (Path(each.path) for each in scan if each.is_dir() and (Path(each.path) / USE).exists())

    def _tidy(self) -> None:
        """Remove what dead processes have left."""
        for leftover in self.folder.glob(f"{REMOVED}*"):
            shutil.rmtree(leftover, ignore_errors=True)
        for temporary in self.folder.glob(f"*/*{TEMPORARY}"):
            if is_abandoned(temporary):
                temporary.unlink(missing_ok=True)


def _open_in_use(folder: Path) -> int:
    """A descriptor that keeps the entry from being removed. Raises FileNotFoundError when that was quicker."""
    descriptor = os.open(folder / USE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    with contextlib.suppress(OSError):  # a file system without locks
        fcntl.flock(descriptor, fcntl.LOCK_SH)
    if not _is(descriptor, folder):
        os.close(descriptor)
        raise FileNotFoundError(folder)
    os.utime(descriptor)
    return descriptor


def _remove(folder: Path) -> bool:
    """Remove the entry unless a job has it open."""
    removed = folder.with_name(f"{REMOVED}{uuid.uuid4().hex}")
    try:
        descriptor = os.open(folder / USE, os.O_RDWR | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not _is(descriptor, folder):
                return False
            folder.rename(removed)
        finally:
            os.close(descriptor)
    except OSError:
        return False
    shutil.rmtree(removed, ignore_errors=True)
    return True


def _is(descriptor: int, folder: Path) -> bool:
    """Whether the descriptor is of the entry that has this name now."""
    try:
        return os.path.samestat(os.fstat(descriptor), (folder / USE).stat())
    except FileNotFoundError:
        return False


def _last_use(folder: Path) -> float:
    try:
        return (folder / USE).stat().st_mtime
    except OSError:
        return 0.0


def _size(folder: Path) -> int:
    total = 0
    with contextlib.suppress(OSError), os.scandir(folder) as scan:
        for each in scan:
            with contextlib.suppress(OSError):
                total += each.stat().st_size
    return total
