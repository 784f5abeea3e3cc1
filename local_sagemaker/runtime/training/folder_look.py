"""What has changed in a folder of very many files, without looking at each of them again.

A folder in which nothing was written for a while is settled: then its own modification time alone is looked at, which
tells of files that are added or replaced by rename, as Debugger's writers do, and not of those that are written into.
"""

import errno
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

SETTLE_NS = 120 * 10**9  # the sampler writes into a file for a minute

State = tuple[int, int]  # modification time in nanoseconds, size


@dataclass
class Look:
    """Files by name below the root, without those of settled folders; and the settled folders' modification times."""

    files: dict[str, State] = field(default_factory=dict)
    settled: dict[str, int] = field(default_factory=dict)


def look(root: Path, settled: Mapping[str, int], below: str = "", but: str = "") -> Look:
    """Look at the folder `below` (such as "index/", or all) in `root`, without the folder `but`.

    `settled` are those of an earlier look; with none every file is looked at. Nothing is in a folder that is not there.
    """
    found = Look()
    _walk(os.fspath(root), below, but=but, settled=settled, found=found)
    return found


def _walk(root: str, below: str, *, but: str, settled: Mapping[str, int], found: Look) -> None:
    folder = os.path.join(root, below)
    try:
        modified_at = os.stat(folder).st_mtime_ns  # before its entries: what comes meanwhile is seen the next time
        with os.scandir(folder) as scan:
            entries = list(scan)
    except (FileNotFoundError, NotADirectoryError):
        return
    newest, has_folders = modified_at, False
    for entry in entries:
        try:
            if entry.is_dir(follow_symlinks=False):
                has_folders = True
                name = f"{below}{entry.name}/"
                if name == but or (name in settled and settled[name] == entry.stat().st_mtime_ns):
                    continue
                _walk(root, name, but=but, settled=settled, found=found)
            elif entry.is_file():
                stat = entry.stat()
                found.files[f"{below}{entry.name}"] = (stat.st_mtime_ns, stat.st_size)
                newest = max(newest, stat.st_mtime_ns)
        except OSError as error:  # replaced meanwhile, or a link to itself
            if error.errno not in (errno.ENOENT, errno.ELOOP):
                raise
    if not has_folders and newest < time.time_ns() - SETTLE_NS:
        found.settled[below] = modified_at
