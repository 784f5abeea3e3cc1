"""Objects as files of this machine: those behind file:// URIs, and the embedded S3's, whose buckets are plain folders.

They are read where they lie, without a request: ten thousand small objects in a second or two. Writing goes through S3.
An object is replaced by rename, so that an open file is always one whole object. What the embedded S3 does not show is
not here either: its own files, links, and names that cannot be keys.
"""

import errno
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from nanio.errors import S3Error
from nanio.keys import validate_bucket_name, validate_object_key

from local_sagemaker.runtime.object_location import Location, ObjectNotFound, relative_name

INTERNAL_PREFIX = ".nanio"
NOT_IN_THE_KERNEL = {errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM}


@dataclass(frozen=True)
class Found:
    """An object that was found below a prefix, its file, and its name in a channel's folder."""

    uri: str
    path: Path
    name: str


def object_file(uri: str, buckets_dir: Path) -> Path:
    """The file of exactly this object. Raises ObjectNotFound and BadObjectUri."""
    location = Location.parse(uri)
    if location.bucket is None:
        path = Path(location.key)
        if not path.is_file():
            raise ObjectNotFound(f"{uri} does not exist")
        return path
    folder = _bucket(uri, location.bucket, buckets_dir)
    try:
        validate_object_key(location.key)
        path = folder / location.key
        if not path.is_file() or path.resolve() != path:  # a link leads who knows where
            raise ObjectNotFound(f"{uri} does not exist")
    except (S3Error, OSError) as error:  # no such object can be: of its name, or of its length
        raise ObjectNotFound(f"{uri} does not exist") from error
    return path


def objects_below(uri: str, buckets_dir: Path) -> Iterator[Found]:
    """All objects whose key starts with the URI's (S3Prefix), in the order of their keys.

    `s3://b/train` and `s3://b/train/` name `train/a/1.jpg` `a/1.jpg`; a prefix that ends inside a name keeps that name.
    Raises ObjectNotFound without the bucket, and BadObjectUri.
    """
    location = Location.parse(uri)
    root = Path("/") if location.bucket is None else _bucket(uri, location.bucket, buckets_dir)
    prefix = location.key.lstrip("/") if location.bucket is None else location.key
    hidden = None if location.bucket is None else INTERNAL_PREFIX
    start = prefix[: prefix.rfind("/") + 1]
    if any(part in {"", ".", ".."} for part in start.split("/")[:-1]):
        return  # no key is like that
    for key in _keys(root / start, start, prefix, hidden):
        full = f"/{key}" if location.bucket is None else key
        yield Found(location.uri(full), root / key, relative_name(key, prefix))


def copy_file(source: Path, target: Path) -> None:
    """Make `target` a copy, within the kernel where it can: some file systems share the blocks until one changes.

    Never a link: a script that changed its input would change the bucket. Raises FileExistsError.
    """
    try:
        with source.open("rb", buffering=0) as read, target.open("xb", buffering=0) as written:
            left = os.fstat(read.fileno()).st_size
            while left > 0 and (copied := os.copy_file_range(read.fileno(), written.fileno(), left)):
                left -= copied
        if left == 0:
            return
    except OSError as error:
        if error.errno not in NOT_IN_THE_KERNEL:
            raise
    shutil.copyfile(source, target)


def _keys(folder: Path, inside: str, prefix: str, hidden: str | None) -> Iterator[str]:
    """Keys below `folder`, whose own key is `inside`. A folder sorts as the keys below it do: with its slash."""
    entries = []
    try:
        with os.scandir(folder) as scan:
            for entry in scan:
                if hidden is not None and (entry.name.startswith(hidden) or not _possible(entry.name)):
                    continue
                follow = hidden is None
                is_folder = entry.is_dir(follow_symlinks=follow)
                if is_folder or entry.is_file(follow_symlinks=follow):
                    entries.append((entry.name + "/" * is_folder, is_folder))
    except (FileNotFoundError, NotADirectoryError):  # there is none, or it was deleted since its parent was read
        return
    for name, is_folder in sorted(entries):
        key = inside + name
        if not is_folder:
            if key.startswith(prefix):
                yield key
        elif key.startswith(prefix) or prefix.startswith(key):
            yield from _keys(folder / name, key, prefix, hidden)


def _possible(name: str) -> bool:
    return all(letter >= " " and not "\ud800" <= letter <= "\udfff" for letter in name)


def _bucket(uri: str, bucket: str, buckets_dir: Path) -> Path:
    folder = buckets_dir / bucket
    try:
        validate_bucket_name(bucket)
    except S3Error as error:
        raise ObjectNotFound(f"{uri} cannot be used: there can be no bucket of that name: {error}") from error
    if not folder.is_dir() or folder.is_symlink():
        raise ObjectNotFound(f"{uri} cannot be used: its bucket does not exist")
    return folder
