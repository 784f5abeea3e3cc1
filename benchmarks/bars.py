"""How a benchmark ends: a line a bar, and the exit status."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal


@dataclass(frozen=True)
class Bar:
    """A measured value beside what is asked of it: `at least` or `at most` the bar, both in `unit`."""

    name: str
    value: float
    bar: float
    unit: str = ""
    wanted: Literal["at least", "at most"] = "at least"

    @property
    def ok(self) -> bool:
        """Whether the value holds."""
        return self.value >= self.bar if self.wanted == "at least" else self.value <= self.bar

    def __str__(self) -> str:
        unit = f" {self.unit}" if self.unit else ""
        return f"{self.name}: {self.value:.4g}{unit} (bar {self.bar:.4g}{unit}) {'ok' if self.ok else 'short'}"


@dataclass(frozen=True)
class Unmeasured:
    """What this machine cannot measure, and why; neither ok nor short."""

    name: str
    why: str
    bar: float

    ok: ClassVar[bool] = True

    def __str__(self) -> str:
        return f"{self.name}: not measured, {self.why} (bar {self.bar:.4g})"


def end(bars: Sequence[Bar | Unmeasured]) -> int:
    """Print the bars; the exit status is 1 when one is short."""
    for bar in bars:
        print(bar)
    return 0 if all(bar.ok for bar in bars) else 1
