"""Objects below one prefix in S3, as diagnostics reads a job's files."""

from collections import OrderedDict
from collections.abc import Collection, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from diagnostics.source import FileMissing, Part
from service.aws.clients import Clients
from service.aws.errors import is_not_found, problems
from service.errors import Problem

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import HeadObjectOutputTypeDef

PARALLEL_READS = 16
MAX_AHEAD = 128  # parts that are being fetched, or wait to be read
MAX_PART_BYTES = 1 << 20  # of a part that is fetched ahead; together at most 128 MiB


class ObjectSource:
    """A diagnostics.source.Source over `s3://bucket/prefix/`. For one thread at a time. AWS's errors are Problems."""

    def __init__(self, clients: Clients, s3_uri: str) -> None:
        self._clients = clients
        self._bucket, _, prefix = s3_uri.removeprefix("s3://").partition("/")
        self._prefix = f"{prefix.rstrip('/')}/" if prefix.strip("/") else ""
        self._pool = ThreadPoolExecutor(PARALLEL_READS, thread_name_prefix="object-source")  # starts threads at need
        self._ahead: dict[Part, Future[bytes]] = {}  # being fetched, or waiting to be read
        self._later: OrderedDict[Part, None] = OrderedDict()  # announced, and still to be fetched
        self._failure: Problem | None = None

    def names(self, prefix: str = "", after: str = "") -> list[str]:
        """The names that begin with `prefix` and sort after `after`, in S3's order: that of their UTF-8 bytes."""
        request: dict[str, Any] = {"Bucket": self._bucket, "Prefix": self._prefix + prefix}
        if after:
            request["StartAfter"] = self._prefix + after
        found: list[str] = []
        with problems():
            for page in self._clients.s3.get_paginator("list_objects_v2").paginate(**request):
                found += [item["Key"].removeprefix(self._prefix) for item in page.get("Contents", [])]
        return [name for name in found if name and not name.endswith("/")]  # consoles make keys for folders

    def read(self, name: str, start: int = 0, length: int | None = None) -> bytes:
        """The bytes, from what was fetched ahead when this very part was. Raises FileMissing."""
        part = (name, start, length)
        if part in self._later:  # whatever came before it in the announcement is not wanted after all
            self._forget()
            while next(iter(self._later)) != part:
                self._later.popitem(last=False)
            self._fetch_ahead()
        fetched = self._ahead.pop(part, None)
        self._fetch_ahead()
        try:
            return self._get(name, start, length) if fetched is None else fetched.result()
        except Problem as problem:
            self._failure = problem
            raise

    def prefetch(self, parts: Sequence[Part]) -> None:
        """These, and none of those announced before, will be read soon, in this order.

        The first of them are fetched in the background, and others as these are read.
        """
        wanted = dict.fromkeys(parts)
        self._forget(wanted)
        self._later = OrderedDict.fromkeys(
            part for part in wanted if part not in self._ahead and (part[2] is None or part[2] <= MAX_PART_BYTES)
        )
        self._fetch_ahead()

    def check(self) -> None:
        """Raise the Problem of a read that failed before: a rule takes it for a fault of its own and goes on."""
        if self._failure is not None:
            raise self._failure

    def version(self, name: str) -> str | None:
        """The object's ETag; None when there is no such object."""
        head = self._head(name)
        return None if head is None else head["ETag"]

    def modified_at(self, name: str) -> float | None:
        """When the object was written, epoch seconds; None when there is no such object."""
        head = self._head(name)
        return None if head is None else head["LastModified"].timestamp()

    def close(self) -> None:
        """Give the threads back; what is under way is dropped."""
        self._later.clear()
        self._ahead.clear()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _forget(self, wanted: Collection[Part] = ()) -> None:
        """Drop what was fetched ahead, but for what is wanted."""
        for part in [part for part in self._ahead if part not in wanted]:
            self._ahead.pop(part).cancel()

    def _fetch_ahead(self) -> None:
        while self._later and len(self._ahead) < MAX_AHEAD:
            part, _ = self._later.popitem(last=False)
            self._ahead[part] = self._pool.submit(partial(self._get, *part))

    def _head(self, name: str) -> "HeadObjectOutputTypeDef | None":
        with problems():
            try:
                return self._clients.s3.head_object(Bucket=self._bucket, Key=self._prefix + name)
            except ClientError as error:
                if is_not_found(error):
                    return None
                raise

    def _get(self, name: str, start: int, length: int | None) -> bytes:
        if length == 0:
            return b""
        last = "" if length is None else start + length - 1
        wanted: dict[str, Any] = {} if start == 0 and length is None else {"Range": f"bytes={start}-{last}"}
        with problems():
            try:
                answer = self._clients.s3.get_object(Bucket=self._bucket, Key=self._prefix + name, **wanted)
                return answer["Body"].read()
            except ClientError as error:
                if is_not_found(error):
                    raise FileMissing(name) from error
                if error.response["Error"]["Code"] == "InvalidRange":  # the file ends before `start`
                    return b""
                raise
