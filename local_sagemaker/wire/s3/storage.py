"""Buckets as plain folders: nanio's storage, with what it gets wrong replaced.

What is put right: files copied into a bucket by hand, or changed there, have a sound ETag and size (nanio trusts an old
side file); listings come in S3's order, so that pages lose nothing, and never show an upload under way; ranges beyond
the end are cut; writing happens in threads, beside the event loop, and only a complete object gets its name.

    BUCKETS/BUCKET/KEY                       the object
    BUCKETS/BUCKET/.nanio-meta/KEY.json      content type, ETag, user metadata (nanio's format)
    BUCKETS/.nanio/staged/                   uploads under way, emptied at start
    BUCKETS/.nanio/multipart/ID/             parts of multipart uploads
"""

import asyncio
import hashlib
import json
import os
import shutil
import uuid
from collections.abc import AsyncIterable, AsyncIterator, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path
from typing import Any

from nanio.errors import BucketNotEmpty, InvalidObjectName, NoSuchKey, PreconditionFailed, S3Error
from nanio.keys import validate_object_key
from nanio.storage.backend import GetObjectResult, ObjectInfo
from nanio.storage.filesystem import FilesystemStorage
from nanio.storage.metadata import read_metadata
from nanio.storage.paths import is_internal_name, metadata_path, object_path

from local_sagemaker.wire.s3.body import Digest

CHUNK_BYTES = 1024 * 1024
MAX_NAME_BYTES = 245  # of one part of a key: file systems take 255, and the side file adds some


class InvalidRange(S3Error):  # type: ignore[misc] # nanio has no types
    """416: the range begins behind the end."""

    code = "InvalidRange"
    message = "The requested range is not satisfiable"
    http_status = 416


@dataclass(frozen=True)
class Staged:
    """A complete upload that has no name yet."""

    path: Path
    size: int
    md5: str


class FolderStorage(FilesystemStorage):  # type: ignore[misc] # nanio has no types
    """nanio's storage over `buckets_dir`."""

    def __init__(self, buckets_dir: Path) -> None:
        super().__init__(buckets_dir, chunk_size=CHUNK_BYTES)
        self._root = buckets_dir.resolve()
        self._staged = self._root / ".nanio" / "staged"
        shutil.rmtree(self._staged, ignore_errors=True)  # what an earlier process left unfinished
        self._staged.mkdir(parents=True)

    def require_bucket(self, bucket: str) -> Path:
        """The folder of a bucket. Raises NoSuchBucket."""
        folder: Path = self._require_bucket_dir(bucket)
        return folder

    async def stage(self, body: AsyncIterable[bytes], digests: Iterable[Digest] = ()) -> Staged:
        """Write a body to the disk, not yet under its name."""
        path = self._staged / uuid.uuid4().hex
        md5, size = hashlib.md5(usedforsecurity=False), 0
        everything = [md5, *digests]

        def write(part: bytes) -> None:
            file.write(part)
            for digest in everything:
                digest.update(part)

        def finish() -> None:
            file.flush()
            os.fsync(file.fileno())

        with path.open("xb", buffering=0) as file:
            try:
                async for part in body:
                    size += len(part)
                    await asyncio.to_thread(write, part)
                await asyncio.to_thread(finish)
            except BaseException:
                path.unlink()
                raise
        return Staged(path, size, md5.hexdigest())

    def check_key(self, bucket: str, key: str) -> Path:
        """Where an object's file stands. Raises NoSuchBucket, and InvalidObjectName for what a folder cannot hold."""
        folder = self.require_bucket(bucket)
        validate_object_key(key)
        parts = key.split("/")
        if any(len(part.encode()) > MAX_NAME_BYTES for part in parts):
            raise InvalidObjectName(f"a part of the key between slashes is longer than {MAX_NAME_BYTES} bytes")
        path: Path = object_path(self._root, bucket, key)
        if path.is_dir():
            raise InvalidObjectName(f"objects are files here, and {key} is a folder that holds other objects")
        for parent in path.parents:
            if parent == folder:
                break
            if parent.is_symlink() or (parent.exists() and not parent.is_dir()):
                raise InvalidObjectName(f"objects are files here, and {parent.relative_to(folder)} is one already")
        return path

    def commit(self, bucket: str, key: str, staged: Staged, *, only_new: bool = False, **metadata: Any) -> ObjectInfo:
        """Give a staged upload its name, replacing what had it. `metadata` are ObjectInfo's other members.

        `only_new` raises PreconditionFailed when something has the name; all of it is one step of the event loop.
        """
        path = self.check_key(bucket, key)
        if only_new and path.exists():
            staged.path.unlink()
            raise PreconditionFailed
        now = datetime.now(UTC)
        members = {"etag": f'"{staged.md5}"', "content_type": "binary/octet-stream", **metadata}
        info = ObjectInfo(key=key, size=staged.size, last_modified=now, **members)
        # The file's time says later whether the side file is about this very file.
        os.utime(staged.path, (now.timestamp(), now.timestamp()))
        self._write_side_file(metadata_path(self._root, bucket, key), info)
        path.parent.mkdir(parents=True, exist_ok=True)
        staged.path.rename(path)
        return info

    def _write_side_file(self, path: Path, info: ObjectInfo) -> None:
        # nanio's own writer uses one fixed temporary name, which a crash would block for ever.
        members = {name: getattr(info, name) for name in info.__dataclass_fields__ if name != "key"}
        members["last_modified"] = info.last_modified.isoformat()
        temporary = self._staged / uuid.uuid4().hex
        temporary.write_text(json.dumps(members))
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.rename(path)

    def _read_or_synthesize_metadata(self, bucket: str, key: str, opath: Path) -> ObjectInfo:
        """What is known of an object; of a file that came or changed by hand, what the file itself tells."""
        try:
            stat = opath.stat(follow_symlinks=False)
        except (FileNotFoundError, NotADirectoryError):
            raise NoSuchKey(resource=f"{bucket}/{key}") from None
        try:
            info = read_metadata(metadata_path(self._root, bucket, key), key)
        except (OSError, ValueError, KeyError):
            info = None
        if info and info.size == stat.st_size and abs(info.last_modified.timestamp() - stat.st_mtime) < 0.001:
            return info
        # Changes with the file, and, ending in a number of parts, is not taken for an MD5 of the content.
        identity = f"{stat.st_ino} {stat.st_size} {stat.st_mtime_ns}".encode()
        etag = f'"{hashlib.md5(identity, usedforsecurity=False).hexdigest()}-1"'
        return ObjectInfo(
            key=key,
            size=stat.st_size,
            etag=etag,
            last_modified=datetime.fromtimestamp(stat.st_mtime, UTC),
            content_type="binary/octet-stream",
        )

    def describe(self, bucket: str, key: str) -> ObjectInfo:
        """What is known of an object whose bucket and key were checked. Raises NoSuchKey."""
        return self._read_or_synthesize_metadata(bucket, key, self._root / bucket / key)

    def head_object(self, bucket: str, key: str) -> ObjectInfo:
        """What is known of an object. Raises NoSuchKey."""
        try:
            return super().head_object(bucket, key)
        except OSError:  # the name is too long, or one of its folders is a file: there cannot be such an object
            raise NoSuchKey(resource=f"{bucket}/{key}") from None

    def delete_object(self, bucket: str, key: str) -> None:
        """Delete an object, if it is there; a folder of other objects is none."""
        path = self.require_bucket(bucket) / key
        validate_object_key(key)
        if os.path.isfile(path) or os.path.islink(path):  # unlike Path's, false for names that are too long
            super().delete_object(bucket, key)

    def delete_bucket(self, bucket: str) -> None:
        """Delete a bucket without objects. Whatever else somebody put into its folder keeps it, too."""
        folder = self.require_bucket(bucket)
        for inner, folders, files in os.walk(folder):
            if Path(inner) == folder:
                folders[:] = [name for name in folders if not is_internal_name(name)]
            if files or any((Path(inner) / name).is_symlink() for name in folders):
                raise BucketNotEmpty(resource=bucket)
        shutil.rmtree(folder)

    async def get_object(
        self, bucket: str, key: str, *, range_start: int | None = None, range_end: int | None = None
    ) -> GetObjectResult:
        """As nanio's, with S3's rule for ranges that reach beyond the end."""
        info = self.head_object(bucket, key)
        if range_start is None:
            first, last = 0, info.size - 1
        else:
            first, last = range_start, min(info.size - 1 if range_end is None else range_end, info.size - 1)
            if first > last:
                raise InvalidRange
        # Opened before the answer begins, so that the bytes are those of the ETag although the object be replaced.
        file = object_path(self._root, bucket, key).open("rb", buffering=0)
        body = _section(file, first, last - first + 1)
        if range_start is None:
            return GetObjectResult(info=info, body=body, range_start=None, range_end=None)
        return GetObjectResult(info=info, body=body, range_start=first, range_end=last)


async def _section(file: FileIO, first: int, length: int) -> AsyncIterator[bytes]:
    """`length` bytes of an open file from `first` on; closes it at the end."""
    with file:
        while length > 0:
            part = await asyncio.to_thread(os.pread, file.fileno(), min(CHUNK_BYTES, length), first)
            if not part:
                raise OSError("the file became shorter while it was read")
            yield part
            first, length = first + len(part), length - len(part)
