"""Captured invocations on their way to S3: files of this machine first, so that nothing waits for S3 or is lost.

FOLDER/DIGEST/destination                                       the URI that the files below belong under
FOLDER/DIGEST/ENDPOINT/VARIANT/yyyy/mm/dd/hh/MM-SS-mmm-ID.jsonl   complete; with the suffix .open it is being written

A thread of its own writes. An invocation only hands its bodies over, or, when the disk is slower than the invocations
and much waits already, is not captured.
"""

import hashlib
import logging
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local_sagemaker.runtime.serving.data_capture import CapturedInvocation, capture_line

FLUSH_SECONDS = 5.0
FLUSH_BYTES = 4 * 1024 * 1024
MAX_WAITING_BYTES = 64 * 1024 * 1024
MAX_SPOOLED_BYTES = 1024 * 1024 * 1024
_OPEN = ".open"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class SpoolFile:
    """A complete file and the URI where it belongs."""

    path: Path
    uri: str


@dataclass
class _OpenFile:
    path: Path
    hour: str
    opened_at: float
    size_bytes: int = 0


class CaptureSpool:
    """All files of a folder; `wake` is called when the first record of a file was written."""

    def __init__(self, folder: Path, wake: Callable[[], None]) -> None:
        self._folder = folder
        self._wake = wake
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="data capture")
        self._files_lock = threading.Lock()  # held while the disk is written: never taken by an invocation
        self._open: dict[tuple[str, str, str], _OpenFile] = {}
        left = (_sealed(path) if path.name.endswith(_OPEN) else path for path in _files(folder))
        self._complete = {path for path in left if path is not None}
        self._count_lock = threading.Lock()
        self._waiting_bytes = 0
        self._spooled_bytes = sum(path.stat().st_size for path in self._complete)

    def put(self, endpoint: str, variant: str, config: Mapping[str, Any], invocation: CapturedInvocation) -> None:
        """Capture an invocation; never waits and never raises."""
        size = invocation.size_bytes
        with self._count_lock:
            full = self._waiting_bytes + size > MAX_WAITING_BYTES or self._spooled_bytes > MAX_SPOOLED_BYTES
            if not full:
                self._waiting_bytes += size
        if full:
            logger.warning("an invocation of endpoint %s was not captured: too much waits to be written", endpoint)
            return
        try:
            self._writer.submit(self._write, endpoint, variant, config, invocation)
        except RuntimeError:  # closed: the server is about to end
            logger.warning("an invocation of endpoint %s was not captured: the server stops", endpoint)

    def ready(self, now: float) -> list[SpoolFile]:
        """The files to upload; those that are due are completed for it."""
        return self._seal_and_list(lambda file: now - file.opened_at >= FLUSH_SECONDS or file.size_bytes >= FLUSH_BYTES)

    def next_due(self) -> float | None:
        """When, in epoch seconds, the next file is due."""
        with self._files_lock:
            return min((file.opened_at + FLUSH_SECONDS for file in self._open.values()), default=None)

    def uploaded(self, file: SpoolFile) -> None:
        """The file is where it belongs."""
        size = file.path.stat().st_size
        file.path.unlink()
        with self._files_lock:
            self._complete.discard(file.path)
        self._count(spooled=-size)

    def close(self) -> list[SpoolFile]:
        """Write what waits and complete all files; those that are to be uploaded."""
        self._writer.shutdown(wait=True)
        return self._seal_and_list(lambda _: True)

    def _write(self, endpoint: str, variant: str, config: Mapping[str, Any], invocation: CapturedInvocation) -> None:
        try:
            line = capture_line(config, invocation)
            with self._files_lock:
                file = self._file_for(config["DestinationS3Uri"], endpoint, variant, invocation.answered_at)
                first = file.size_bytes == 0
                with file.path.open("ab") as stream:
                    stream.truncate(file.size_bytes)  # without the half line that a full disk left
                    stream.write(line)
                file.size_bytes += len(line)
            self._count(spooled=len(line))
            if first or file.size_bytes >= FLUSH_BYTES:
                self._wake()
        except Exception:
            logger.exception("an invocation of endpoint %s was not captured", endpoint)
        finally:
            self._count(waiting=-invocation.size_bytes)

    def _count(self, *, waiting: int = 0, spooled: int = 0) -> None:
        with self._count_lock:
            self._waiting_bytes += waiting
            self._spooled_bytes += spooled

    def _file_for(self, uri: str, endpoint: str, variant: str, when: float) -> _OpenFile:
        hour = time.strftime("%Y/%m/%d/%H", time.gmtime(when))
        key = (uri, endpoint, variant)
        self._seal(lambda file: file is self._open.get(key) and (file.hour != hour or file.size_bytes >= FLUSH_BYTES))
        if key not in self._open:
            folder = self._folder / hashlib.sha256(uri.encode()).hexdigest()[:16]
            within = folder / endpoint / variant / hour
            within.mkdir(parents=True, exist_ok=True)
            (folder / "destination").write_text(uri)
            name = time.strftime("%M-%S", time.gmtime(when)) + f"-{int(when * 1000) % 1000:03}-{uuid.uuid4()}.jsonl"
            self._open[key] = _OpenFile(within / (name + _OPEN), hour, when)
        return self._open[key]

    def _seal_and_list(self, chosen: Callable[[_OpenFile], bool]) -> list[SpoolFile]:
        with self._files_lock:
            self._seal(chosen)
            return [self._spool_file(path) for path in sorted(self._complete)]

    def _seal(self, chosen: Callable[[_OpenFile], bool]) -> None:
        for key, file in [(key, file) for key, file in self._open.items() if chosen(file)]:
            del self._open[key]
            sealed = _sealed(file.path)
            if sealed is not None:
                self._complete.add(sealed)

    def _spool_file(self, path: Path) -> SpoolFile:
        folder = self._folder / path.relative_to(self._folder).parts[0]
        uri = (folder / "destination").read_text().rstrip("/")
        return SpoolFile(path, f"{uri}/{path.relative_to(folder).as_posix()}")


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.glob("*/*/**/*") if path.is_file()]


def _sealed(path: Path) -> Path | None:
    """Complete a file, without the half line that a killed process leaves; None when nothing is left."""
    with path.open("rb+") as stream:
        content = stream.read()
        stream.truncate(content.rfind(b"\n") + 1)
    if b"\n" not in content:
        path.unlink()
        return None
    sealed = path.with_name(path.name.removesuffix(_OPEN))
    return path.rename(sealed)
