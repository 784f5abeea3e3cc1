"""MemoryUtilization: memory of the instance type that is nearly full, or mostly empty."""

from dataclasses import dataclass
from typing import Any

from diagnostics.profile.downsample import finite
from diagnostics.profile.profile import Profile, ProfilerFinding
from diagnostics.profile.rules.rule import ProfilerRule, Verdict, no_samples, rounded, within
from diagnostics.profile.use import type_of
from diagnostics.rules.parameters import ParameterOutOfRange

_EMPTY_WEIGHT = 0.3  # memory is the smaller part of what an instance is paid for


@dataclass(frozen=True, kw_only=True)
class MemoryUtilization(ProfilerRule):
    """Ours. Fires for a node when the highest use of its memory is above `high_threshold` % of the instance type's, or
    below `low_threshold` %, unless the type has GPUs. The start-up counts: what does not fit then ends the job too.

    Weight: 0.5 at the upper threshold, 1 at all of the memory, for the whole job is at stake; 0.3 of the empty share.
    """

    high_threshold: float = 90
    low_threshold: float = 20

    def __post_init__(self) -> None:
        """Check the parameters."""
        super().__post_init__()
        within(0, 100, high_threshold=self.high_threshold, low_threshold=self.low_threshold)
        if self.high_threshold < self.low_threshold:
            raise ParameterOutOfRange("high_threshold", self.high_threshold, "a number from low_threshold on")

    def judge(self, profile: Profile) -> Verdict:
        """Each node by itself."""
        used = {name: values for name, node in profile.nodes.items() if len(values := finite(node.memory).values)}
        if not used:
            return no_samples()
        highest = {name: float(values.max()) for name, values in used.items()}
        instance = type_of(profile)
        weights: dict[str, float] = {}
        for name, most in highest.items():
            if most > self.high_threshold:
                weights[name] = min(
                    1.0, 0.5 + 0.5 * (most - self.high_threshold) / max(100 - self.high_threshold, 1e-9)
                )
            elif most < self.low_threshold and not (instance.gpus if instance else profile.nodes[name].gpu):
                weights[name] = _EMPTY_WEIGHT * (1 - max(0.0, most) / 100)
        details: dict[str, Any] = {name: {"max": rounded(most)} for name, most in highest.items()}
        worst = max(weights, key=lambda name: weights[name], default=None)
        return Verdict(
            triggered=len(weights),
            violations=sum(
                int((values > self.high_threshold).sum() if highest[name] > self.high_threshold else len(values))
                for name, values in used.items()
                if name in weights
            ),
            datapoints=sum(map(len, used.values())),
            details=details,
            finding=None if worst is None else self._finding(profile, worst, highest[worst]),
            weight=max(weights.values(), default=0.0),
        )

    def _finding(self, profile: Profile, name: str, most: float) -> ProfilerFinding:
        instance = type_of(profile)
        has = f"the {instance.memory_gib:g} GiB of {instance.name}" if instance else "the memory"
        highest = f"The highest memory use of {name} was {most:.2f} % of {has}"
        if most > self.high_threshold:
            return ProfilerFinding(
                what=f"{highest}; {self.high_threshold:g} % is the threshold.",
                why="A process that finds no memory left is killed, and the job fails.",
                advice=(
                    "Take an instance type with more memory; RightSizing names one.",
                    "Or use less: a smaller --batch-size, fewer --num-workers, images that are not all kept in memory.",
                ),
            )
        return ProfilerFinding(
            what=f"{highest}; {self.low_threshold:g} % is the threshold.",
            why="Most of the memory that is paid for was never used.",
            advice=("Take an instance type with less memory, such as one of the family c; RightSizing names one.",),
        )
