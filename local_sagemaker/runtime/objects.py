"""Objects behind s3:// and file:// URIs: read as files of this machine, written through the S3 API.

Writing goes through this very process (the embedded S3), which is not listening yet when the engine starts after a
crash: refused connections are tried again for a while.
"""

import itertools
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, TypeVar

import boto3
from boto3.exceptions import RetriesExceededError, S3UploadFailedError
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, IncompleteReadError
from botocore.exceptions import ConnectionError as NoConnection

from local_sagemaker.runtime.object_files import Found, copy_file, object_file, objects_below
from local_sagemaker.runtime.object_location import (
    BadObjectUri,
    Location,
    ObjectAccessFailed,
    ObjectError,
    ObjectNotFound,
    ObjectsUnreachable,
)

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

__all__ = ["BadObjectUri", "ObjectAccessFailed", "ObjectError", "ObjectNotFound", "Objects", "ObjectsUnreachable"]

PARALLEL_TRANSFERS = 8
PARALLEL_COPIES = 4
BATCH = 1000  # objects that are copied before the next ones are listed
PATIENCE_SECONDS = 60.0
SMALL_BYTES = 8 * 1024 * 1024  # above it boto3's own transfers cut the object into parts

Answer = TypeVar("Answer")
Item = TypeVar("Item")


class Objects:
    """Access to objects, safe to use from many threads. A client is made at first use."""

    def __init__(self, endpoint_url: str, buckets_dir: Path, *, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self.endpoint_url = endpoint_url
        self._buckets_dir = buckets_dir.resolve()
        self._patience_seconds = patience_seconds
        self._lock = threading.Lock()
        self._client: S3Client | None = None
        self._closed = threading.Event()

    def close(self) -> None:
        """Give up waiting for a store that does not answer: the process is about to end."""
        self._closed.set()

    def exists(self, uri: str) -> bool:
        """Whether there is an object at exactly this URI."""
        try:
            self.file(uri)
        except ObjectNotFound:
            return False
        return True

    def any_exists(self, uri: str) -> bool:
        """Whether any key starts with this URI (S3Prefix). Raises ObjectNotFound without the bucket."""
        return next(objects_below(uri, self._buckets_dir), None) is not None

    def file(self, uri: str) -> Path:
        """The file of one object, to be read only. Raises ObjectNotFound."""
        return object_file(uri, self._buckets_dir)

    def below(self, uri: str) -> Iterator[Found]:
        """All objects whose key starts with the URI's (S3Prefix), in order. Raises ObjectNotFound when none does."""
        found = objects_below(uri, self._buckets_dir)
        first = next(found, None)
        if first is None:
            raise ObjectNotFound(f"No S3 objects found under {uri}: no key starts so")
        return itertools.chain([first], found)

    def download_file(self, uri: str, path: Path) -> None:
        """Copy one object to `path`, complete or not at all. Raises ObjectNotFound."""
        _copy(self.file(uri), path)

    def download(self, chosen: Iterable[Found], folder: Path) -> int:
        """Copy objects into the new `folder` by their names; answers how many.

        Raises BadObjectUri for names that cannot be files, or not beside each other.
        """
        folder.mkdir(parents=True, exist_ok=True)
        remaining, count = iter(chosen), 0
        while batch := [(_inside(folder, found), found) for found in itertools.islice(remaining, BATCH)]:
            for parent, found in {target.parent: found for target, found in batch}.items():
                try:
                    parent.mkdir(parents=True, exist_ok=True)
                except (FileExistsError, NotADirectoryError) as error:
                    raise BadObjectUri(f"{found.uri} would lie in a folder that another object is as a file") from error
            in_parallel(lambda pair: _download(*pair), batch, PARALLEL_COPIES)
            count += len(batch)
        return count

    def download_prefix(self, uri: str, folder: Path) -> int:
        """Copy all objects whose key starts with the URI's below `folder`. Raises ObjectNotFound when none does."""
        return self.download(self.below(uri), folder)

    def content_type(self, uri: str) -> str | None:
        """The content type that an object was written with; None for a file of this machine. Raises ObjectNotFound."""
        location = Location.parse(uri)
        if location.bucket is None:
            return None
        bucket = location.bucket
        return self._call(uri, lambda s3: s3.head_object(Bucket=bucket, Key=location.key)).get("ContentType")

    def upload_file(self, path: Path, uri: str, content_type: str = "binary/octet-stream") -> None:
        """Copy a file to the URI."""
        location = Location.parse(uri)
        if location.bucket is None:
            _copy(path, Path(location.key))
            return
        bucket = location.bucket
        if path.stat().st_size < SMALL_BYTES:
            body = path.read_bytes()
            self._call(
                uri, lambda s3: s3.put_object(Bucket=bucket, Key=location.key, Body=body, ContentType=content_type)
            )
        else:
            config = TransferConfig(max_concurrency=4)
            more = {"ContentType": content_type}
            self._call(uri, lambda s3: s3.upload_file(str(path), bucket, location.key, ExtraArgs=more, Config=config))

    def upload_folder(self, folder: Path, uri: str, names: Iterable[str] | None = None) -> int:
        """Copy the files below `folder` (or only `names` of it) under the URI; answers how many.

        A file that goes away meanwhile, as a checkpoint that is being replaced, is passed over.
        """
        chosen = sorted(names) if names is not None else sorted(file_names(folder))
        base = uri.rstrip("/")
        sent = in_parallel(lambda name: self._upload_present(folder / name, f"{base}/{name}"), chosen)
        return sum(sent)

    def _upload_present(self, path: Path, uri: str) -> bool:
        try:
            self.upload_file(path, uri)
        except FileNotFoundError:
            return False
        return True

    def _call(self, uri: str, operation: "Callable[[S3Client], Answer]") -> Answer:
        deadline = time.monotonic() + self._patience_seconds
        while True:
            try:
                return operation(self._s3())
            except (ClientError, S3UploadFailedError) as error:
                raise _translate(uri, error) from error
            except (NoConnection, HTTPClientError, IncompleteReadError, RetriesExceededError) as error:
                if self._closed.is_set() or time.monotonic() > deadline:
                    raise ObjectsUnreachable(f"{uri}: {error}") from error
                self._closed.wait(0.3)
            except BotoCoreError as error:
                raise ObjectAccessFailed(f"{uri}: {error}") from error

    def _s3(self) -> "S3Client":
        with self._lock:  # making a client is not thread-safe, using it is
            if self._client is None:
                access_key, secret_key = credentials()
                self._client = boto3.Session().client(
                    "s3",
                    endpoint_url=self.endpoint_url or None,
                    region_name=os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1",
                    aws_access_key_id=access_key,
                    aws_secret_access_key=secret_key,
                    config=Config(
                        s3={"addressing_style": "path"},
                        max_pool_connections=4 * PARALLEL_TRANSFERS,
                        connect_timeout=5,
                        retries={"mode": "standard", "total_max_attempts": 3},
                    ),
                )
            return self._client


def credentials() -> tuple[str | None, str | None]:
    """Dummy access key and secret for boto3, or (None, None) when the environment names credentials of its own."""
    named = (
        "AWS_ACCESS_KEY_ID",
        "AWS_PROFILE",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    )
    if any(os.environ.get(name) for name in named):
        return None, None
    return "local", "local"  # the embedded S3 takes any


def file_names(folder: Path) -> list[str]:
    """Relative POSIX names of all regular files below a folder."""
    return [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]


def in_parallel(
    step: "Callable[[Item], Answer]", items: Iterable[Item], threads: int = PARALLEL_TRANSFERS
) -> list[Answer]:
    """The steps' answers in order; the first error, after which no further step begins."""
    with ThreadPoolExecutor(threads, thread_name_prefix="transfer") as pool:
        futures = [pool.submit(step, item) for item in items]
        try:
            return [future.result() for future in futures]
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def _inside(folder: Path, found: Found) -> Path:
    parts = PurePosixPath(found.name).parts
    if not parts or ".." in parts or parts[0] == "/":
        raise BadObjectUri(f"the object {found.uri} cannot be a file: its name would leave the folder")
    return folder.joinpath(*parts)


def _download(target: Path, found: Found) -> None:
    try:
        before = found.path.stat()
        copy_file(found.path, target)
        after = found.path.stat()
        # The object's own time, by which jobs tell data that they know; not where it was replaced meanwhile.
        if (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns):
            os.utime(target, ns=(after.st_atime_ns, after.st_mtime_ns))
    except FileNotFoundError as error:  # deleted since it was listed
        raise ObjectNotFound(f"{found.uri} does not exist any more") from error
    except FileExistsError as error:
        raise BadObjectUri(f"{found.uri} would be the file {found.name}, which another object is already") from error


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(target.name + ".partial")
    temporary.unlink(missing_ok=True)  # of an attempt that was cut off
    copy_file(source, temporary)
    temporary.rename(target)


def _translate(uri: str, error: ClientError | S3UploadFailedError) -> ObjectError:
    cause = error if isinstance(error, ClientError) else error.__context__
    code = cause.response["Error"].get("Code", "") if isinstance(cause, ClientError) else ""
    if code in {"404", "NoSuchKey", "NotFound"}:
        return ObjectNotFound(f"{uri} does not exist")
    if code == "NoSuchBucket":
        return ObjectNotFound(f"{uri} cannot be used: its bucket does not exist")
    return ObjectAccessFailed(f"{uri}: {error}")
