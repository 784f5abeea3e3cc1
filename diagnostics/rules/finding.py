"""What a Debugger rule says when its condition is met."""

import math
from dataclasses import asdict, dataclass
from typing import Any

from diagnostics.tensors.saved_step import Mode


@dataclass(frozen=True)
class Finding:
    """Where, what, why it matters, what to do. `value` is what was compared with `threshold`.

    `what` is a sentence with the tensor, the figure and the threshold; `why` one on what that does to training;
    `advice` are things to change, the most likely first, in the names of this project's and SageMaker's settings.
    """

    step: int
    mode: Mode
    mode_step: int
    tensor: str
    value: float
    threshold: float | None
    what: str
    why: str
    advice: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain JSON; nan and infinite figures are null."""
        plain = asdict(self) | {"mode": self.mode.value, "advice": list(self.advice)}
        for name in ("value", "threshold"):
            if plain[name] is not None and not math.isfinite(plain[name]):
                plain[name] = None
        return plain
