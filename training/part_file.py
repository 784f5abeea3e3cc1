"""A part of a cache on disk: a header and the bytes of arrays in one file, there whole or not at all.

    MAGIC, length of the header (8 bytes, little-endian), the header in JSON, zeros up to a multiple of 64, the arrays

A reader maps the file: what it does not look at is never read, and all jobs of the machine share one copy in memory.
"""

import fcntl
import json
import mmap
import os
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

MAGIC = b"cachedp1"
ALIGNMENT = 64
TEMPORARY = ".tmp"

Header = Mapping[str, Any]
Bytes = npt.NDArray[np.uint8]  # one dimension


@dataclass(frozen=True)
class Part:
    """What one file holds, mapped, or the same in memory."""

    header: Header
    content: Bytes

    def array(self, offset: int, shape: Sequence[int], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
        """The array that begins at byte `offset` of the content; not to be written to."""
        kind = np.dtype(dtype)
        length = int(np.prod(shape, dtype=np.int64)) * kind.itemsize
        return self.content[offset : offset + length].view(kind).reshape(shape)


def part_in_memory(header: Header, arrays: Sequence[npt.NDArray[Any]]) -> Part:
    """What a file of them would hold."""
    content = [np.ascontiguousarray(array).reshape(-1).view(np.uint8) for array in arrays]
    return Part(header, np.concatenate(content) if content else np.zeros(0, np.uint8))


def write_part(path: Path, part: Part) -> None:
    """Write the file in one step, also for a machine that loses its power. Raises OSError and leaves nothing behind.

    While it is written it has a name of its own and a lock that ends with its writer (see `is_abandoned`).
    """
    header = json.dumps({**part.header, "content_bytes": len(part.content)}, separators=(",", ":")).encode()
    begin = MAGIC + len(header).to_bytes(8, "little") + header
    begin += bytes(-len(begin) % ALIGNMENT)
    temporary = path.with_name(f"{path.name}.{uuid.uuid4().hex}{TEMPORARY}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        with open(descriptor, "wb", closefd=False) as file:
            file.write(begin)
            file.write(part.content.data)
        os.fdatasync(descriptor)
        temporary.rename(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    finally:
        os.close(descriptor)


def read_part(path: Path) -> Part | None:
    """The part, mapped; None where there is none, or no whole one."""
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            begin = file.read(len(MAGIC) + 8)
            if begin[: len(MAGIC)] != MAGIC:
                return None
            length = int.from_bytes(begin[len(MAGIC) :], "little")
            text = file.read(length)
            header = json.loads(text)
            start = len(begin) + length
            start += -start % ALIGNMENT
            if len(text) != length or size != start + header["content_bytes"]:
                return None
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return Part(header, np.frombuffer(mapped, np.uint8)[start:])


def is_abandoned(temporary: Path) -> bool:
    """Whether the writer of a file that is being written lives no more."""
    try:
        descriptor = os.open(temporary, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True
