"""What watches the loop: Debugger's hook, which saves tensors, and the timeline of steps. Most jobs have neither."""

from collections.abc import Iterator

from batches import Batch
from debugger_hook import DebuggerHook
from timeline import Mode, Timeline


class Observers:
    """Both behind one face; `first` is the number of a pass's first step."""

    def __init__(self, hook: DebuggerHook | None = None, timeline: Timeline | None = None) -> None:
        self._hook = hook
        self._timeline = timeline

    def training(self, batches: Iterator[Batch], first: int) -> Iterator[Batch]:
        """The batches of a training pass, each of them a step that is watched."""
        if self._hook is not None:
            self._hook.set_training()
        return self._watched("TRAIN", batches, first)

    def evaluation(self, batches: Iterator[Batch], first: int) -> Iterator[Batch]:
        """The same of a validation pass."""
        if self._hook is not None:
            self._hook.set_evaluating()
        return self._watched("EVAL", batches, first)

    def close(self) -> None:
        """Write what is pending, also after an error."""
        try:
            if self._hook is not None:
                self._hook.close()
        finally:
            if self._timeline is not None:
                self._timeline.close()

    def _watched(self, mode: Mode, batches: Iterator[Batch], first: int) -> Iterator[Batch]:
        return batches if self._timeline is None else self._timeline.watch(mode, batches, first)
