"""What Debugger and Profiler found, the weightiest first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from diagnostics.report.report import JobReport

# How much of a job a Debugger rule's condition spoils: 1 is all of it. A model that learns nothing comes before one
# that learns too long.
WEIGHTS: Mapping[str, float] = MappingProxyType(
    {
        "ExplodingTensor": 1.0,
        "StalledTrainingRule": 0.95,
        "AllZero": 0.9,
        "VanishingGradient": 0.9,
        "LossNotDecreasing": 0.85,
        "UnchangedTensor": 0.8,
        "PoorWeightInitialization": 0.8,
        "DeadRelu": 0.75,
        "SaturatedActivation": 0.75,
        "Overfit": 0.7,
        "WeightUpdateRatio": 0.65,
        "ClassImbalance": 0.6,
        "Confusion": 0.55,
        "Overtraining": 0.5,
        "TensorVariance": 0.4,
    }
)
SUMMARIES = frozenset(
    {"OverallSystemUsage", "OverallFrameworkMetrics", "ProfilerReport"}
)  # they judge nothing themselves
OTHER = 0.6  # a rule of somebody's own


@dataclass(frozen=True)
class RankedFinding:
    """A finding of either kind. `where` is a tensor and a step, empty for the Profiler's; `weight` 0..1."""

    kind: Literal["Debugger", "Profiler"]
    name: str
    weight: float
    what: str
    why: str
    advice: tuple[str, ...]
    where: str = ""

    @property
    def degree(self) -> str:
        """The weight in a word."""
        return "severe" if self.weight >= 0.75 else "considerable" if self.weight >= 0.4 else "minor"


def ranked(report: JobReport) -> Sequence[RankedFinding]:
    """All findings, by weight; of equal ones the Debugger's first, the earlier step first."""
    found: list[tuple[tuple[float, int, int, str], RankedFinding]] = []
    for rule in report.debugger:
        if rule.finding is not None:
            said, weight = rule.finding, WEIGHTS.get(rule.rule, OTHER)
            where = f"{said.tensor}, {said.mode.value} step {said.mode_step} (step {said.step} of all)"
            one = RankedFinding("Debugger", rule.name, weight, said.what, said.why, said.advice, where)
            found.append(((-weight, 0, said.step, rule.name), one))
    for evaluation in report.profiler:
        if evaluation.finding is not None and evaluation.rule not in SUMMARIES:
            why = evaluation.finding
            weight = min(1.0, max(0.0, evaluation.weight))
            other = RankedFinding("Profiler", evaluation.rule, weight, why.what, why.why, why.advice)
            found.append(((-weight, 1, 0, evaluation.rule), other))
    return [one for _, one in sorted(found, key=lambda pair: pair[0])]
