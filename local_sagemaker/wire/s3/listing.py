"""ListObjects and ListObjectsV2 over a bucket's folder, in S3's order (by the bytes of the keys).

nanio's walk goes folder by folder, where `a-b` comes after `a/x`: a page that ends in between loses objects. It shows
uploads under way, too, knows one delimiter, and answers version 1 requests in version 2.
"""

import base64
import binascii
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote
from xml.sax.saxutils import escape

from nanio.errors import InvalidArgument, NoSuchKey
from nanio.storage.backend import ObjectInfo

MAX_KEYS = 1000
INTERNAL_PREFIX = ".nanio"
NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"


@dataclass(frozen=True)
class Page:
    """Keys and common prefixes of one answer, and the last of both when more follow."""

    contents: list[ObjectInfo]
    common_prefixes: list[str]
    last: str | None


def keys(folder: Path, prefix: str, after: str, delimiter: str = "", inside: str = "") -> Iterator[str]:
    """The keys under `folder` that begin with `prefix` and come after `after`, in order.

    With the delimiter "/" a folder behind the prefix is answered once, as its path with "/", and not entered.
    """
    for sort_name, is_folder in _entries(folder):
        path = inside + sort_name
        if not is_folder:
            if path.startswith(prefix) and path > after:
                yield path
        elif (path.startswith(prefix) or prefix.startswith(path)) and (path > after or after.startswith(path)):
            inner = keys(folder / sort_name[:-1], prefix, after, delimiter, path)
            if delimiter == "/" and path.startswith(prefix) and path != prefix:
                if next(inner, None) is not None:
                    yield path
            else:
                yield from inner


def _entries(folder: Path) -> list[tuple[str, bool]]:
    """Names in a folder, folders with "/" at the end: in this form they sort as the keys below them do."""
    entries = []
    try:
        with os.scandir(folder) as scan:
            for entry in scan:
                is_folder = entry.is_dir(follow_symlinks=False)
                is_object = is_folder or entry.is_file(follow_symlinks=False)
                if is_object and not entry.name.startswith(INTERNAL_PREFIX) and _listable(entry.name):
                    entries.append((entry.name + "/" * is_folder, is_folder))
    except FileNotFoundError:  # deleted since its parent was read
        return []
    return sorted(entries)


def _listable(name: str) -> bool:
    """Whether a file's name can be a key: UTF-8 without control characters."""
    return all(character >= " " and not "\ud800" <= character <= "\udfff" for character in name)


def page(
    folder: Path, describe: Callable[[str], ObjectInfo], *, prefix: str, delimiter: str, after: str, max_keys: int
) -> Page:
    """Up to `max_keys` keys and common prefixes. `describe` answers what is known of a key, or raises NoSuchKey."""
    contents: list[ObjectInfo] = []
    prefixes: list[str] = []
    last = None
    for key in keys(folder, prefix, after, delimiter):
        common = _common_prefix(key, prefix, delimiter)
        if common and (common in prefixes[-1:] or (after.endswith(delimiter) and after == common)):
            continue
        if len(contents) + len(prefixes) >= max_keys:
            return Page(contents, prefixes, last)
        if common:
            prefixes.append(common)
        else:
            try:
                contents.append(describe(key))
            except NoSuchKey:  # deleted since its folder was read
                continue
        last = common or key
    return Page(contents, prefixes, None)


def _common_prefix(key: str, prefix: str, delimiter: str) -> str:
    end = key.find(delimiter, len(prefix)) if delimiter else -1
    return key[: end + len(delimiter)] if end >= 0 else ""


def list_objects(bucket: str, folder: Path, query: Mapping[str, str], describe: Callable[[str], ObjectInfo]) -> bytes:
    """The XML answer of ListObjects (without list-type=2) and ListObjectsV2. Raises InvalidArgument."""
    version_2 = query.get("list-type") == "2"
    token = query.get("continuation-token" if version_2 else "marker", "")
    start = _decoded(token) if version_2 and token else token
    prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
    max_keys = _max_keys(query.get("max-keys", str(MAX_KEYS)))
    after = max(start, query.get("start-after", "") if version_2 else "")
    found = page(folder, describe, prefix=prefix, delimiter=delimiter, after=after, max_keys=max_keys)
    encode = _url if query.get("encoding-type") == "url" else escape
    fields = [
        ("Name", escape(bucket)),
        ("Prefix", encode(prefix)),
        ("MaxKeys", str(max_keys)),
        ("IsTruncated", str(found.last is not None).lower()),
    ]
    if delimiter:
        fields.append(("Delimiter", encode(delimiter)))
    if "encoding-type" in query:
        fields.append(("EncodingType", escape(query["encoding-type"])))
    if version_2:
        fields.append(("KeyCount", str(len(found.contents) + len(found.common_prefixes))))
        if token:
            fields.append(("ContinuationToken", escape(token)))
        if query.get("start-after"):
            fields.append(("StartAfter", encode(query["start-after"])))
        if found.last is not None:
            fields.append(("NextContinuationToken", _encoded(found.last)))
    else:
        fields.append(("Marker", encode(token)))
        if found.last is not None:
            fields.append(("NextMarker", encode(found.last)))
    body = _elements(fields)
    for info in found.contents:
        body += f"<Contents>{_elements(_object_fields(info, encode))}</Contents>"
    for common in found.common_prefixes:
        body += f"<CommonPrefixes><Prefix>{encode(common)}</Prefix></CommonPrefixes>"
    xml = f'<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="{NAMESPACE}">{body}</ListBucketResult>'
    return xml.encode()


def _object_fields(info: ObjectInfo, encode: Callable[[str], str]) -> list[tuple[str, str]]:
    modified = info.last_modified.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    return [
        ("Key", encode(info.key)),
        ("LastModified", modified),
        ("ETag", escape(info.etag)),
        ("Size", str(info.size)),
        ("StorageClass", info.storage_class),
    ]


def _elements(fields: list[tuple[str, str]]) -> str:
    return "".join(f"<{name}>{text}</{name}>" for name, text in fields)


def _url(text: str) -> str:
    return quote(text, safe="/")


def _max_keys(text: str) -> int:
    if not text.isdecimal():
        raise InvalidArgument(f"max-keys is {text!r}, and must be a number")
    return min(int(text), MAX_KEYS)


def _encoded(last: str) -> str:
    return base64.urlsafe_b64encode(last.encode()).decode()


def _decoded(token: str) -> str:
    try:
        return base64.urlsafe_b64decode(token.encode()).decode()
    except (binascii.Error, ValueError):
        raise InvalidArgument("The continuation token provided is incorrect") from None
