"""Reading many small files of a source whose every read is a round trip."""

from collections.abc import Iterator, Sequence

from diagnostics.source import Part, Source

_TOGETHER = 64


def ahead(source: Source, parts: Sequence[Part]) -> Iterator[Part]:
    """The parts in their order, each announced to the source with its neighbours before it is read."""
    for first in range(0, len(parts), _TOGETHER):
        together = parts[first : first + _TOGETHER]
        source.prefetch(together)
        yield from together
