"""What all Debugger rules have in common."""

from abc import ABC, abstractmethod
from collections.abc import Callable

from diagnostics.rules.finding import Finding
from diagnostics.tensors.collections import Collections
from diagnostics.tensors.saved_step import SavedStep


class Rule(ABC):
    """A condition over the saved steps, fed in the order of `step`. Ends with its first finding.

    Each rule is a dataclass in a file of its own: the fields of its __init__ are AWS's parameters with their defaults,
    what it remembers between steps are fields with init=False. The condition itself is a plain function beside it.
    """

    @abstractmethod
    def selects(self, collections: Collections) -> Callable[[str], bool]:
        """Which tensors it reads: they alone are read from disk."""

    @abstractmethod
    def observe(self, step: SavedStep) -> Finding | None:
        """Take one more saved step; the finding when the condition is met there."""

    @abstractmethod
    def unjudged(self) -> str | None:
        """Asked at the end: why it could judge nothing, and what to save so that it can; None when it judged."""

    def idle(self, seconds: float) -> Finding | None:  # noqa: ARG002 - only few rules care
        """The job has saved nothing for so many seconds: a finding where that is the condition."""
        return None

    def ended(self) -> Finding | None:
        """The job saves nothing more: a finding that waited for that, as of the last epoch's validation pass.

        Asked once, before `unjudged`.
        """
        return None

    def summary(self) -> str:
        """Asked at the end of a rule that found nothing: what it judged, where that is not plain."""
        return ""
