"""A source that tells of no more files once the time is up: what is left is read with the next request."""

import time
from collections.abc import Sequence

from diagnostics.source import FileMissing, Part
from service.aws.object_source import ObjectSource

AHEAD = 64


class PatientSource:
    """A diagnostics.source.Source for readers that take a file that is missing for one that is to come."""

    def __init__(self, source: ObjectSource) -> None:
        self._source = source
        self._deadline = 0.0
        self._known: set[str] = set()
        self.left_out = 0

    def begin(self, seconds: float) -> None:
        """Read for so many seconds from now."""
        self._deadline = time.monotonic() + seconds
        self.left_out = 0

    def names(self, prefix: str = "", after: str = "") -> list[str]:
        """All names; the files that were not read before are fetched ahead."""
        found = self._source.names(prefix, after)
        self.prefetch([(name, 0, None) for name in found if name not in self._known][:AHEAD])
        return found

    def read(self, name: str, start: int = 0, length: int | None = None) -> bytes:
        """The bytes. Raises FileMissing once the time is up."""
        if time.monotonic() > self._deadline:
            self.left_out += 1
            raise FileMissing(name)
        content = self._source.read(name, start, length)
        self._known.add(name)
        return content

    def prefetch(self, parts: Sequence[Part]) -> None:
        """See ObjectSource. Nothing once the time is up: nobody would read it."""
        if time.monotonic() <= self._deadline:
            self._source.prefetch(parts)
