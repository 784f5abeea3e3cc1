"""Objects behind s3:// and file:// URIs, read and written through boto3.

    ObjectError
    +-- ObjectNotFound          no such object, prefix or bucket
    +-- BadObjectUri            the URI, or an object's name, cannot be used
    +-- ObjectsUnreachable      the store did not answer within the patience
    +-- ObjectAccessFailed      the store refused

The store may be this very process (the embedded S3), which is not listening yet when the engine starts after a crash:
refused connections are tried again for a while.
"""

import os
import shutil
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import unquote, urlsplit

import boto3
from boto3.exceptions import RetriesExceededError, S3UploadFailedError
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, IncompleteReadError
from botocore.exceptions import ConnectionError as NoConnection

from local_sagemaker.runtime.object_cache import ObjectCache

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PARALLEL_TRANSFERS = 8
PATIENCE_SECONDS = 60.0
SMALL_BYTES = 8 * 1024 * 1024  # above it boto3's own transfers cut the object into parts

Answer = TypeVar("Answer")


class ObjectError(Exception):
    """Base of what goes wrong with objects; the message names the URI."""


class ObjectNotFound(ObjectError):
    """No such object, prefix or bucket."""


class BadObjectUri(ObjectError):
    """The URI, or an object's name, cannot be used."""


class ObjectsUnreachable(ObjectError):
    """The store did not answer within the patience."""


class ObjectAccessFailed(ObjectError):
    """The store refused."""


@dataclass(frozen=True)
class Location:
    """A parsed URI: a bucket and a key, or (with bucket None) a path of this machine."""

    bucket: str | None
    key: str

    @classmethod
    def parse(cls, uri: str) -> "Location":
        """Parse s3://bucket/key or file:///path. Raises BadObjectUri."""
        parts = urlsplit(uri, allow_fragments=False)
        if parts.scheme == "s3" and parts.netloc:
            key = uri.removeprefix("s3://").partition("/")[2]  # a key may hold ? and #, and is not URL-encoded
            return cls(parts.netloc, key)
        if parts.scheme == "file" and parts.netloc in {"", "localhost"} and parts.path:
            return cls(None, unquote(parts.path))
        raise BadObjectUri(f"{uri!r} is neither an s3://bucket/key nor a file:///path URI")

    def uri(self, key: str) -> str:
        """The URI of another key in the same place."""
        return f"file://{key}" if self.bucket is None else f"s3://{self.bucket}/{key}"


@dataclass(frozen=True)
class Listed:
    """One object below a prefix. `name` is relative, as it is laid out in a channel's folder."""

    key: str
    name: str
    etag: str
    size_bytes: int


class Objects:
    """Access to objects, safe to use from many threads. A client is made at first use."""

    def __init__(
        self, endpoint_url: str, cache_dir: Path | None = None, *, patience_seconds: float = PATIENCE_SECONDS
    ) -> None:
        self.endpoint_url = endpoint_url
        self._cache = ObjectCache(cache_dir) if cache_dir else None
        self._patience_seconds = patience_seconds
        self._lock = threading.Lock()
        self._client: S3Client | None = None
        self._closed = threading.Event()

    def with_cache(self, folder: Path) -> "Objects":
        """The same store, with a cache of downloads in `folder`."""
        cached = Objects(self.endpoint_url, folder, patience_seconds=self._patience_seconds)
        cached._closed = self._closed
        return cached

    def close(self) -> None:
        """Give up waiting for a store that does not answer: the process is about to end."""
        self._closed.set()

    def exists(self, uri: str) -> bool:
        """Whether there is an object at exactly this URI."""
        try:
            self._head(uri)
        except ObjectNotFound:
            return False
        return True

    def any_exists(self, uri: str) -> bool:
        """Whether any key starts with this URI (S3Prefix)."""
        location = Location.parse(uri)
        if location.bucket is None:
            return bool(_files_below(location.key))
        bucket = location.bucket
        page = self._call(uri, lambda s3: s3.list_objects_v2(Bucket=bucket, Prefix=location.key, MaxKeys=1))
        return bool(page.get("KeyCount"))

    def download_file(self, uri: str, path: Path) -> None:
        """Copy one object to `path`, complete or not at all. Raises ObjectNotFound."""
        self._fetch(uri, self._head(uri), path)

    def download_prefix(self, uri: str, folder: Path) -> int:
        """Copy all objects whose key starts with the URI's (S3Prefix) below `folder`; answers how many.

        `s3://b/train` and `s3://b/train/` lay `train/a/1.jpg` out as `a/1.jpg`; a prefix that ends inside a name keeps
        that name. Raises ObjectNotFound when nothing starts so.
        """
        location = Location.parse(uri)
        listed = self._list(uri, location)
        if not listed:
            raise ObjectNotFound(f"No S3 objects found under {uri}: no key starts so")
        folder.mkdir(parents=True, exist_ok=True)
        targets = [(found, _inside(folder, found.name, location.uri(found.key))) for found in listed]
        for parent in {target.parent for _, target in targets}:
            parent.mkdir(parents=True, exist_ok=True)
        _in_parallel(lambda pair: self._fetch(location.uri(pair[0].key), pair[0], pair[1]), targets)
        return len(listed)

    def upload_file(self, path: Path, uri: str) -> None:
        """Copy a file to the URI."""
        location = Location.parse(uri)
        if location.bucket is None:
            _copy(path, Path(location.key))
            return
        bucket = location.bucket
        if path.stat().st_size < SMALL_BYTES:
            body = path.read_bytes()
            self._call(uri, lambda s3: s3.put_object(Bucket=bucket, Key=location.key, Body=body))
        else:
            config = TransferConfig(max_concurrency=4)
            self._call(uri, lambda s3: s3.upload_file(str(path), bucket, location.key, Config=config))

    def upload_folder(self, folder: Path, uri: str, names: Iterable[str] | None = None) -> int:
        """Copy the files below `folder` (or only `names` of it) under the URI; answers how many.

        A file that goes away meanwhile, as a checkpoint that is being replaced, is passed over.
        """
        chosen = sorted(names) if names is not None else sorted(file_names(folder))
        base = uri.rstrip("/")
        return sum(_in_parallel(lambda name: self._upload_present(folder / name, f"{base}/{name}"), chosen))

    def _upload_present(self, path: Path, uri: str) -> bool:
        try:
            self.upload_file(path, uri)
        except FileNotFoundError:
            return False
        return True

    def _head(self, uri: str) -> Listed:
        location = Location.parse(uri)
        if location.bucket is None:
            path = Path(location.key)
            if not path.is_file():
                raise ObjectNotFound(f"{uri} does not exist")
            return Listed(location.key, path.name, "", path.stat().st_size)
        bucket = location.bucket
        head = self._call(uri, lambda s3: s3.head_object(Bucket=bucket, Key=location.key))
        return Listed(location.key, PurePosixPath(location.key).name, head["ETag"], head["ContentLength"])

    def _list(self, uri: str, location: Location) -> list[Listed]:
        if location.bucket is None:
            return [
                Listed(str(path), relative_name(str(path), location.key), "", path.stat().st_size)
                for path in _files_below(location.key)
            ]
        bucket, found, token = location.bucket, list[Listed](), ""
        while True:
            page = self._call(
                uri,
                lambda s3, token=token: s3.list_objects_v2(  # type: ignore[misc]  # a default argument binds the loop's token
                    Bucket=bucket, Prefix=location.key, **({"ContinuationToken": token} if token else {})
                ),
            )
            found += [
                Listed(entry["Key"], relative_name(entry["Key"], location.key), entry["ETag"], entry["Size"])
                for entry in page.get("Contents", [])
                if not entry["Key"].endswith("/")  # a folder's marker
            ]
            token = page.get("NextContinuationToken", "")
            if not page["IsTruncated"] or not token:
                return found

    def _fetch(self, uri: str, found: Listed, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        if found.etag and self._cache:
            self._cache.copy(uri, found.etag, path, lambda target: self._transfer(uri, found, target))
        else:
            self._transfer(uri, found, path)

    def _transfer(self, uri: str, found: Listed, path: Path) -> None:
        location = Location.parse(uri)
        if location.bucket is None:
            _copy(Path(location.key), path)
            return
        bucket = location.bucket
        temporary = path.with_name(path.name + ".partial")
        if found.size_bytes < SMALL_BYTES:
            body = self._call(uri, lambda s3: s3.get_object(Bucket=bucket, Key=location.key)["Body"].read())
            temporary.write_bytes(body)
        else:
            config = TransferConfig(max_concurrency=4)
            self._call(uri, lambda s3: s3.download_file(bucket, location.key, str(temporary), Config=config))
        temporary.rename(path)

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


def relative_name(key: str, prefix: str) -> str:
    """A key's name in a channel's folder: the prefix's folder is stripped."""
    if prefix.endswith("/") or key.startswith(prefix + "/"):
        return key[len(prefix.rstrip("/")) :].lstrip("/")
    return key[prefix.rfind("/") + 1 :]


def file_names(folder: Path) -> list[str]:
    """Relative POSIX names of all regular files below a folder."""
    return [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]


def _files_below(prefix: str) -> list[Path]:
    path = Path(prefix)
    starts = [path] if prefix.endswith("/") else list(path.parent.glob(_escape(path.name) + "*"))
    files = [start for start in starts if start.is_file()]
    return sorted(files + [path for start in starts if start.is_dir() for path in start.rglob("*") if path.is_file()])


def _escape(name: str) -> str:
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in name)


def _inside(folder: Path, name: str, uri: str) -> Path:
    parts = PurePosixPath(name).parts
    if not parts or ".." in parts or parts[0] == "/":
        raise BadObjectUri(f"the object {uri} cannot be a file: its name would leave the folder")
    return folder.joinpath(*parts)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(target.name + ".partial")
    shutil.copyfile(source, temporary)
    temporary.rename(target)


Item = TypeVar("Item")


def _in_parallel(step: "Callable[[Item], Answer]", items: Iterable[Item]) -> list[Answer]:
    with ThreadPoolExecutor(PARALLEL_TRANSFERS, thread_name_prefix="transfer") as pool:
        futures = [pool.submit(step, item) for item in items]
        try:
            return [future.result() for future in futures]
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def _translate(uri: str, error: ClientError | S3UploadFailedError) -> ObjectError:
    cause = error if isinstance(error, ClientError) else error.__context__
    code = cause.response["Error"].get("Code", "") if isinstance(cause, ClientError) else ""
    if code in {"404", "NoSuchKey", "NotFound"}:
        return ObjectNotFound(f"{uri} does not exist")
    if code == "NoSuchBucket":
        return ObjectNotFound(f"{uri} cannot be used: its bucket does not exist")
    return ObjectAccessFailed(f"{uri}: {error}")
