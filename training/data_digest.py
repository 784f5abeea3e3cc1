"""The digest of a channel's data: which files there are and what is in them.

It covers the relative paths, for order and labels come from them, and the SHA-256 of every file. Sizes and times are
not in it, so that a copy of the data is the same data. Whether the contents must be read at all, a note in the shared
cache tells: it is found by paths, sizes and times of change, as make and rsync go by, and never made of files so young
that they could change again within the clock's grain.
"""

import contextlib
import hashlib
import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from channels import Channel
from stopping import StopRequest

NOTES = "digests"
MAX_NOTES = 1000
SETTLED_SECONDS = 2.0
CHUNK = 64  # files between two looks at whether the job is to stop

Look = tuple[int, int]  # size in bytes, time of the last change in nanoseconds


def data_digest(channel: Channel, cache: Path | None, threads: int, stop: StopRequest) -> str:
    """The digest, 64 hexadecimal digits. `cache`: the shared cache's folder, where there is one.

    A file that cannot be read counts as its error. Raises StopRequested.
    """
    looks = [_look(channel.folder / path) for path in channel.paths]
    note = None if cache is None else cache / NOTES / _digest(zip(channel.paths, map(str, looks), strict=True))
    if note is not None and (known := _read(note)) is not None:
        return known
    contents = _digests_of_files(channel, threads, stop)
    digest = _digest(zip(channel.paths, contents, strict=True))
    newest = max((changed for _, changed in looks), default=0)
    if note is not None and time.time() - newest / 1e9 > SETTLED_SECONDS:
        with contextlib.suppress(OSError):  # without the note the next job reads the files again
            _write(note, digest)
    return digest


def _look(path: Path) -> Look:
    try:
        found = path.stat()
    except OSError:
        return -1, 0
    return found.st_size, found.st_mtime_ns


def _digests_of_files(channel: Channel, threads: int, stop: StopRequest) -> Sequence[str]:
    found: list[str] = []
    with ThreadPoolExecutor(max(1, threads)) as pool:
        for start in range(0, len(channel.paths), CHUNK):
            stop.check()
            chunk = channel.paths[start : start + CHUNK]
            found += pool.map(lambda path: _digest_of_file(channel.folder / path), chunk)
    return found


def _digest_of_file(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        return type(error).__name__


def _digest(pairs: "zip[tuple[str, str]]") -> str:
    digest = hashlib.sha256()
    for pair in pairs:
        for text in pair:
            digest.update(os.fsencode(text) + b"\0")
    return digest.hexdigest()


def _read(note: Path) -> str | None:
    try:
        digest = note.read_text(encoding="ascii")
        os.utime(note)
    except (OSError, ValueError):
        return None
    return digest if len(digest) == 64 else None


def _write(note: Path, digest: str) -> None:
    note.parent.mkdir(parents=True, exist_ok=True)
    temporary = note.with_name(f".{note.name}.{os.getpid()}")
    temporary.write_text(digest, encoding="ascii")
    temporary.replace(note)
    notes = sorted(note.parent.iterdir(), key=lambda each: each.stat().st_mtime)
    for old in notes[:-MAX_NOTES]:
        old.unlink(missing_ok=True)
