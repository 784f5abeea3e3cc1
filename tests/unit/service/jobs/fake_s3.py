"""What S3 answers to reads of `objects`, by path (`/bucket/key`)."""

import hashlib
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import parse_qs, unquote
from xml.sax.saxutils import escape

PAGE_KEYS = 1000


class Read(NamedTuple):
    """An answer."""

    status: int
    body: bytes
    kind: str = "application/xml"


def read(objects: Mapping[str, bytes], target: str, wanted: str | None) -> Read:
    """GetObject with its Range, or ListObjectsV2."""
    path, _, query = target.partition("?")
    path = unquote(path)
    asked = {name: values[0] for name, values in parse_qs(query).items()}
    if asked.get("list-type") == "2":
        return Read(200, _listing(objects, path.strip("/"), asked))
    if path not in objects:
        return error("NoSuchKey", "The key does not exist.", 404)
    content = objects[path]
    if wanted is None:
        return Read(200, content, "binary/octet-stream")
    first, _, last = wanted.removeprefix("bytes=").partition("-")
    if int(first) >= len(content):
        return error("InvalidRange", "The requested range is not satisfiable", 416)
    return Read(206, content[int(first) : int(last or len(content) - 1) + 1], "binary/octet-stream")


def error(code: str, message: str, status: int) -> Read:
    """An error of S3."""
    return Read(status, f"<Error><Code>{code}</Code><Message>{message}</Message></Error>".encode())


def etag_of(content: bytes) -> str:
    """Another one for other bytes."""
    return f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"'


def _listing(objects: Mapping[str, bytes], bucket: str, asked: Mapping[str, str]) -> bytes:
    prefix = asked.get("prefix", "")
    after = max(asked.get("start-after", ""), asked.get("continuation-token", ""))
    keys = sorted(path.removeprefix(f"/{bucket}/") for path in list(objects) if path.startswith(f"/{bucket}/{prefix}"))
    later = [key for key in keys if key > after]
    page = later[:PAGE_KEYS]
    contents = "".join(f"<Contents><Key>{escape(key)}</Key></Contents>" for key in page)
    more = f"<NextContinuationToken>{escape(page[-1])}</NextContinuationToken>" if len(later) > len(page) else ""
    truncated = str(bool(more)).lower()
    return f"<ListBucketResult><IsTruncated>{truncated}</IsTruncated>{more}{contents}</ListBucketResult>".encode()
