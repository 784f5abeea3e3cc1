"""A large file over HTTP that goes on where it broke off, today or tomorrow."""

import json
import time
from collections.abc import Callable
from dataclasses import asdict, astuple, dataclass
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import urllib3
from urllib3.exceptions import HTTPError

from datasets.progress import Progress

CHUNK_BYTES = 1 << 20
ATTEMPTS = 6
TIMEOUT = urllib3.Timeout(connect=15, read=60)
RETRIED_STATUSES = {408, 425, 429, 500, 502, 503, 504}


class DownloadFailed(Exception):
    """The file cannot be had; the message says why and what to do."""


@dataclass(frozen=True)
class Origin:
    """What the first bytes of a part file came from: without a validator, parts of two versions could be glued."""

    url: str
    etag: str | None
    last_modified: str | None
    size_bytes: int | None

    @property
    def validator(self) -> str | None:
        """The value of If-Range. A weak ETag does not promise the same bytes."""
        return self.etag if self.etag and not self.etag.startswith("W/") else self.last_modified

    def agrees_with(self, other: "Origin") -> bool:
        """Whether nothing that both know differs."""
        pairs = zip(astuple(self), astuple(other), strict=True)
        return all(mine == theirs or mine is None or theirs is None for mine, theirs in pairs)


class _Interrupted(Exception):
    """The attempt ended before the file did; another may go on."""


def download(url: str, target: Path, pause: Callable[[float], None] = time.sleep) -> None:
    """Fetch `url` to `target`, by way of `target`.part, which a later call goes on with.

    An attempt that brought something is free; after ATTEMPTS in a row that brought nothing, DownloadFailed.
    """
    part, note = target.with_name(target.name + ".part"), target.with_name(target.name + ".part.json")
    target.parent.mkdir(parents=True, exist_ok=True)
    fruitless = 0
    with _pool(url) as pool:
        while True:
            before = _size(part)
            try:
                _attempt(pool, url, part, note)
                break
            except _Interrupted as error:
                fruitless = 0 if _size(part) > before else fruitless + 1
                if fruitless == ATTEMPTS:
                    raise DownloadFailed(
                        f"{url}: {error}. {_size(part):,} bytes are kept in {part}: run the command again to go on."
                    ) from error
            if fruitless:
                pause(min(30.0, 2.0 ** (fruitless - 1)))
    part.rename(target)
    note.unlink(missing_ok=True)


def _attempt(pool: urllib3.PoolManager, url: str, part: Path, note: Path) -> None:
    """Append to the part file until it is whole. Raises _Interrupted, and DownloadFailed where trying is no use."""
    origin, start = _read_origin(note), _size(part)
    if origin is None or origin.url != url or origin.validator is None:
        origin, start = None, 0
    headers = {"Accept-Encoding": "identity"}
    if origin and start:
        headers |= {"Range": f"bytes={start}-", "If-Range": origin.validator or ""}
    try:
        response = pool.request(
            "GET", url, headers=headers, preload_content=False, decode_content=False, retries=_redirects_only()
        )
    except HTTPError as error:
        raise _Interrupted(f"no connection ({error})") from error
    with response:
        if response.status == 416 and origin and start == origin.size_bytes:
            return
        if response.status in RETRIED_STATUSES or response.status == 416:
            if response.status == 416:
                _forget(part, note)
            raise _Interrupted(f"the server answers {response.status} {response.reason or ''}".rstrip())
        if response.status not in {200, 206}:
            raise DownloadFailed(f"{url}: the server answers {response.status} {response.reason or ''}: check the URL.")
        answered = _origin_of(url, response)
        if response.status == 206:
            if not origin or _range_start(response) != start or not origin.agrees_with(answered):
                _forget(part, note)
                raise _Interrupted("the server sent another part or another version than was asked for")
        else:
            start = 0
            _write_origin(note, answered)
        _receive(response, part, start, answered.size_bytes)


def _receive(response: urllib3.BaseHTTPResponse, part: Path, start: int, size_bytes: int | None) -> None:
    with (
        part.open("r+b" if start else "wb") as file,
        Progress(f"Downloading {part.stem}", size_bytes or 0, "MB", start) as progress,
    ):
        file.seek(start)
        try:
            for chunk in response.stream(CHUNK_BYTES, decode_content=False):
                file.write(chunk)
                progress.add(len(chunk))
        except HTTPError as error:
            raise _Interrupted(f"the connection broke off ({error})") from error
    if size_bytes is not None and _size(part) != size_bytes:
        raise _Interrupted(f"{_size(part):,} of {size_bytes:,} bytes arrived")


def _origin_of(url: str, response: urllib3.BaseHTTPResponse) -> Origin:
    size: str | None = response.headers.get("Content-Length")
    if response.status == 206:
        size = response.headers.get("Content-Range", "").rpartition("/")[2]
    return Origin(
        url=url,
        etag=response.headers.get("ETag"),
        last_modified=response.headers.get("Last-Modified"),
        size_bytes=int(size) if size and size.isdecimal() else None,
    )


def _range_start(response: urllib3.BaseHTTPResponse) -> int | None:
    start = response.headers.get("Content-Range", "").removeprefix("bytes ").partition("-")[0]
    return int(start) if start.isdecimal() else None


def _read_origin(note: Path) -> Origin | None:
    try:
        return Origin(**json.loads(note.read_text()))
    except (OSError, ValueError, TypeError):  # no note, or one that a crash cut off: start over
        return None


def _write_origin(note: Path, origin: Origin) -> None:
    temporary = note.with_name(note.name + ".tmp")
    temporary.write_text(json.dumps(asdict(origin)))
    temporary.rename(note)


def _forget(part: Path, note: Path) -> None:
    part.unlink(missing_ok=True)
    note.unlink(missing_ok=True)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _redirects_only() -> urllib3.Retry:
    return urllib3.Retry(connect=0, read=0, status=0, other=0, redirect=5, raise_on_status=False)


def _pool(url: str) -> urllib3.PoolManager:
    parts = urlsplit(url)
    proxy = getproxies().get(parts.scheme)
    if proxy and not proxy_bypass(parts.hostname or ""):
        return urllib3.ProxyManager(proxy, timeout=TIMEOUT)
    return urllib3.PoolManager(timeout=TIMEOUT)
