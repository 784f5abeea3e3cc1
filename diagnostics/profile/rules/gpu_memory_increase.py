"""GPUMemoryIncrease: a GPU's memory that fills by and by."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from diagnostics.profile.profile import Profile, ProfilerFinding
from diagnostics.profile.rules.rule import PatientRule, Verdict, no_gpu, rounded, within
from diagnostics.profile.rules.windows import windows
from diagnostics.rules.parameters import at_least


@dataclass(frozen=True, kw_only=True)
class GPUMemoryIncrease(PatientRule):
    """Fires for a GPU when the mean of `window` samples of its memory is more than `increase` points above the mean
    of the `window` samples before.

    Weight: the largest such rise as a share of the memory: what the job will want next.
    """

    increase: float = 5
    window: int = 10

    def __post_init__(self) -> None:
        """Check the parameters."""
        super().__post_init__()
        within(0, 100, increase=self.increase)
        at_least(1, window=self.window)

    def judge(self, profile: Profile) -> Verdict:
        """Each GPU of each node by itself."""
        memory = {
            (node, name): self.after_start(gpu)
            for node, one in profile.nodes.items()
            for name, gpu in one.gpu_memory.items()
        }
        if not memory:
            return no_gpu(profile)
        details: dict[str, Any] = {}
        violations, rises = 0, {}
        for (node, name), series in memory.items():
            if len(series.values) < 2 * self.window:
                continue
            means = np.array([window.mean() for window in windows(series.values, self.window)])
            rise = np.diff(means)
            met = int(np.count_nonzero(rise > self.increase))
            violations += met
            details.setdefault(node, {})[name] = {
                "violations": met,
                "largest_increase": rounded(rise.max()),
                "first": rounded(means[0]),
                "last": rounded(means[-1]),
            }
            rises[node, name] = float(rise.max())
        if not rises:
            return Verdict(
                unjudged=f"Two windows of {self.window} samples are compared, and no GPU has as many after the "
                f"start-up. {self.too_short()}"
            )
        fired = {gpu: rise for gpu, rise in rises.items() if rise > self.increase}
        worst = max(fired, key=lambda gpu: fired[gpu], default=None)
        return Verdict(
            triggered=len(fired),
            violations=violations,
            datapoints=sum(len(memory[gpu].values) for gpu in rises),
            details=details,
            finding=None if worst is None else self._finding(worst, fired[worst]),
            weight=min(1.0, max(fired.values(), default=0.0) / 100),
        )

    def _finding(self, gpu: tuple[str, str], rise: float) -> ProfilerFinding:
        node, name = gpu
        return ProfilerFinding(
            what=f"The memory of {name} of {node} grew by {rise:.1f} points from one window of {self.window} samples "
            f"to the next; {self.increase:g} is the threshold.",
            why="Memory that grows while steps repeat runs out in the end, and the job fails with it.",
            advice=(
                "Keep no tensors of earlier steps: append loss.item() to lists, not loss.",
                "If it grows once, as at validation, lower --batch-size or validate without gradients.",
            ),
        )
