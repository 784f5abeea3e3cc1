"""Reading on conditions (If-Match and the like), and from the end of an object: decisions over what is known of it."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from nanio.errors import InvalidArgument, PreconditionFailed
from nanio.storage.backend import ObjectInfo

_LAST_BYTES = re.compile(r"bytes=-(\d+)")


def not_modified(headers: Mapping[str, str], info: ObjectInfo) -> bool:
    """Whether to answer 304. Raises PreconditionFailed for 412. If-Match and If-None-Match outrank the dates."""
    modified = info.last_modified.replace(microsecond=0)
    if "if-match" in headers:
        if not _matches(headers["if-match"], info.etag):
            raise PreconditionFailed
    elif "if-unmodified-since" in headers and modified > _date(headers["if-unmodified-since"]):
        raise PreconditionFailed
    if "if-none-match" in headers:
        return _matches(headers["if-none-match"], info.etag)
    return "if-modified-since" in headers and modified <= _date(headers["if-modified-since"])


def _matches(wanted: str, etag: str) -> bool:
    return any(one.strip() in ("*", etag, etag.strip('"')) for one in wanted.split(","))


def _date(text: str) -> datetime:
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        raise InvalidArgument(f"{text!r} is no date") from None
    return date if date.tzinfo else date.replace(tzinfo=UTC)


def forward_range(text: str, size: int) -> str:
    """A range that counts from the end (`bytes=-5`), which nanio does not know, as one from the beginning."""
    last_bytes = _LAST_BYTES.fullmatch(text.strip())
    return text if last_bytes is None else f"bytes={max(0, size - int(last_bytes[1])) if int(last_bytes[1]) else size}-"
