"""Progress on the terminal: one line that is rewritten, or in a log a line at each tenth."""

import sys
import time
from types import TracebackType
from typing import Self, TextIO

REDRAW_SECONDS = 0.1


class Progress:
    """Counts towards a total. Use as a context manager; `add` may be called from one thread only."""

    def __init__(self, label: str, total: int, unit: str, start: int = 0, stream: TextIO | None = None) -> None:
        """`unit` is "images", or "MB" for totals in bytes; `start` is what was done before."""
        self.label, self.total, self.unit, self.done = label, total, unit, start
        self._stream = stream or sys.stderr
        self._rewrites = self._stream.isatty()
        self._shown_at, self._shown_tenth = 0.0, -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._rewrites:
            self._write("\r", "\n")
        elif kind is None and self._shown_tenth < 10:
            self._write("", "\n")

    def add(self, count: int = 1) -> None:
        """So much more is done."""
        self.done += count
        now, tenth = time.monotonic(), self.done * 10 // self.total if self.total else 0
        if self._rewrites and now - self._shown_at >= REDRAW_SECONDS:
            self._shown_at = now
            self._write("\r", "")
        elif not self._rewrites and tenth > self._shown_tenth:
            self._shown_tenth = tenth
            self._write("", "\n")

    def _write(self, before: str, after: str) -> None:
        done, total = self._figure(self.done), self._figure(self.total) if self.total else "?"
        share = f" {self.done * 100 // self.total:3d} %" if self.total else ""
        self._stream.write(f"{before}{self.label}:{share} {done} of {total} {self.unit}{after}")
        self._stream.flush()

    def _figure(self, count: int) -> str:
        return f"{count / 1e6:,.1f}" if self.unit == "MB" else f"{count:,}"
