"""LowGPUUtilization: a GPU that is idle, or busy by fits and starts."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from diagnostics.profile.profile import Profile, ProfilerFinding, Values
from diagnostics.profile.rules.rule import ENOUGH, PatientRule, Verdict, no_gpu, rounded, within
from diagnostics.profile.rules.windows import windows
from diagnostics.rules.parameters import at_least

_WHY = "The GPU is most of what the instance costs, and it waits for the rest of the job."
_ADVICE = (
    "Let it not wait for images: raise --num-workers, or prepare them once and smaller instead of in each epoch.",
    "Give it more at once: raise --batch-size as far as its memory goes.",
    "Where neither helps take a smaller GPU, or an instance type without one.",
)


@dataclass(frozen=True)
class _Found:
    """Of one GPU: windows in which it was low or fluctuated, percentiles of all samples, `lowest_p95` of a window, and
    the idle share of such windows.
    """

    low: int
    fluctuating: int
    p95: float
    p5: float
    lowest_p95: float
    idle: float

    @property
    def windows(self) -> int:
        return self.low + self.fluctuating


@dataclass(frozen=True, kw_only=True)
class LowGPUUtilization(PatientRule):
    """Fires for a GPU when in a window of `window` samples its 95th percentile is below `threshold_p95` (low), or
    above it with a 5th percentile below `threshold_p5` (fluctuating).

    Weight: the idle share of such windows, over all GPUs and all time judged.
    """

    threshold_p95: float = 70
    threshold_p5: float = 10
    window: int = 500

    def __post_init__(self) -> None:
        """Check the parameters."""
        super().__post_init__()
        within(0, 100, threshold_p95=self.threshold_p95, threshold_p5=self.threshold_p5)
        at_least(1, window=self.window)

    def judge(self, profile: Profile) -> Verdict:
        """Each GPU of each node by itself."""
        gpus = {
            (node, name): self.after_start(gpu) for node, one in profile.nodes.items() for name, gpu in one.gpu.items()
        }
        if not gpus:
            return no_gpu(profile)
        judged = {gpu: self._judge(series.values) for gpu, series in gpus.items() if len(series.values) >= ENOUGH}
        if not judged:
            return Verdict(unjudged=self.too_short())
        fired = {gpu: found for gpu, found in judged.items() if found.windows}
        details: dict[str, Any] = {}
        for (node, name), found in judged.items():
            details.setdefault(node, {})[name] = {
                "p95": found.p95,
                "p5": found.p5,
                "low": found.low,
                "fluctuating": found.fluctuating,
            }
        return Verdict(
            triggered=len(fired),
            violations=sum(found.windows for found in fired.values()),
            datapoints=sum(len(gpus[gpu].values) for gpu in judged),
            details=details,
            finding=self._finding(fired) if fired else None,
            weight=sum(found.idle for found in judged.values()) / len(judged),
        )

    def _judge(self, values: Values) -> _Found:
        low = fluctuating = 0
        idle, lowest = 0.0, 100.0
        for window in windows(values, self.window):
            p95, p5 = np.percentile(window, (95, 5))
            lowest = min(lowest, float(p95))
            is_low, fluctuates = p95 < self.threshold_p95, p95 > self.threshold_p95 and p5 < self.threshold_p5
            low, fluctuating = low + bool(is_low), fluctuating + bool(fluctuates)
            if is_low or fluctuates:
                idle += float((100 - window).clip(0, 100).sum()) / 100 / len(values)
        p95, p5 = np.percentile(values, (95, 5))
        return _Found(low, fluctuating, rounded(p95), rounded(p5), rounded(lowest), idle)

    def _finding(self, fired: dict[tuple[str, str], _Found]) -> ProfilerFinding:
        (node, name), worst = max(fired.items(), key=lambda one: one[1].idle)
        others = "" if len(fired) == 1 else f" It is the worst of {len(fired)} GPUs of which that is so."
        if worst.low:
            kind = (
                f"in the least busy of them 95 % of the samples are at most {worst.lowest_p95:g} %; "
                f"{self.threshold_p95:g} % is the threshold"
            )
        else:
            kind = (
                f"its use goes up and down, between {worst.p5:g} % (5th percentile) and {worst.p95:g} % (95th); the "
                f"thresholds are {self.threshold_p5:g} % and {self.threshold_p95:g} %"
            )
        return ProfilerFinding(
            what=f"{name} of {node} is not kept busy in {worst.windows} of its windows of {self.window} samples: "
            f"{kind}.{others}",
            why=_WHY,
            advice=_ADVICE,
        )
