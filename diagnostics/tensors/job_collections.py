"""A job's collections: the hook's own until the job's file is there."""

from diagnostics.source import FileMissing, Source
from diagnostics.tensors.collections import (
    COLLECTIONS_FOLDER,
    BrokenCollections,
    default_collections,
    parse_collections,
)
from diagnostics.tensors.history import Unreadable

SUFFIX = "_collections.json"
LOSSES = "losses"


class JobCollections:
    """`current` are the job's as soon as they are `found`: the hook writes them once."""

    def __init__(self) -> None:
        self.current = self._defaults = default_collections()
        self.found = False
        self._losses: dict[str, bool] = {}

    def look(self, source: Source, worker: str, unreadable: Unreadable) -> bool:
        """Read the worker's file, or another one's, once it is there. Whether they are others than before."""
        if self.found:
            return False
        names = [name for name in source.names(COLLECTIONS_FOLDER) if name.endswith(SUFFIX)]
        if not names:
            return False
        name = next((name for name in names if name.endswith(f"/{worker}{SUFFIX}")), names[0])
        before = self.current
        try:
            self.current = parse_collections(source.read(name))
        except (BrokenCollections, FileMissing) as error:
            unreadable.add(f"{name}: {error}")
        self.found = True
        self._losses.clear()
        return self.current != before

    def is_loss(self, tensor: str) -> bool:
        """Whether it is in the job's collection losses, or would be in the hook's own."""
        if tensor not in self._losses:
            self._losses[tensor] = self.current.holds(LOSSES, tensor) or self._defaults.holds(LOSSES, tensor)
        return self._losses[tensor]
