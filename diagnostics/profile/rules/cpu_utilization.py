"""CPUUtilization: vCPUs of the instance type that are mostly idle, or always full."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from diagnostics.profile.profile import Profile, ProfilerFinding, Values
from diagnostics.profile.rules.rule import ENOUGH, PatientRule, Verdict, no_samples, rounded, within
from diagnostics.profile.use import held_back_by_the_machine, percent_of_vcpus, type_of, vcpus_of
from diagnostics.rules.parameters import ParameterOutOfRange

_FULL_WEIGHT = 0.2  # full vCPUs are no waste, only time that could be shorter


@dataclass(frozen=True, kw_only=True)
class CPUUtilization(PatientRule):
    """Ours. Fires for a node when the 95th percentile of its CPU use is below `low_threshold_p95` % of the instance
    type's vCPUs, unless the type has GPUs, or when the median is above `high_threshold_p50` %.

    Where the machine has fewer cores than the type and they were full, low use says nothing and does not fire.
    Weight: the idle share of the vCPUs; of full ones a fifth of the share of samples above the threshold.
    """

    low_threshold_p95: float = 30
    high_threshold_p50: float = 95

    def __post_init__(self) -> None:
        """Check the parameters."""
        super().__post_init__()
        within(0, 100, low_threshold_p95=self.low_threshold_p95)
        if self.high_threshold_p50 < self.low_threshold_p95:
            raise ParameterOutOfRange(
                "high_threshold_p50", self.high_threshold_p50, "a number from low_threshold_p95 on"
            )

    def judge(self, profile: Profile) -> Verdict:
        """Each node by itself."""
        if not any(node.cpu for node in profile.nodes.values()):
            return no_samples()
        used = {name: self.after_start(percent_of_vcpus(profile, node)).values for name, node in profile.nodes.items()}
        used = {name: values for name, values in used.items() if len(values) >= ENOUGH}
        if not used:
            return Verdict(unjudged=self.too_short())
        instance = type_of(profile)
        details: dict[str, Any] = {}
        found: dict[str, tuple[float, bool]] = {}
        violations = 0
        for name, values in used.items():
            p95, p50 = np.percentile(values, (95, 50))
            node = profile.nodes[name]
            vcpus = vcpus_of(profile, node)
            details[name] = {"vcpus": vcpus, "p95": rounded(p95), "p50": rounded(p50), "max": rounded(values.max())}
            gpus = instance.gpus if instance else len(node.gpu)
            if p95 < self.low_threshold_p95 and not gpus and not held_back_by_the_machine(profile, node):
                found[name] = 1 - float(values.clip(0, 100).mean()) / 100, True
                violations += int(np.count_nonzero(values < self.low_threshold_p95))
            elif p50 > self.high_threshold_p50:
                found[name] = _FULL_WEIGHT * float((values > self.high_threshold_p50).mean()), False
                violations += int(np.count_nonzero(values > self.high_threshold_p50))
        worst = max(found, key=lambda name: found[name], default=None)
        return Verdict(
            triggered=len(found),
            violations=violations,
            datapoints=sum(map(len, used.values())),
            details=details,
            finding=None if worst is None else self._finding(profile, worst, used[worst], low=found[worst][1]),
            weight=sum(weight for weight, _ in found.values()) / len(used),
        )

    def _finding(self, profile: Profile, name: str, values: Values, *, low: bool) -> ProfilerFinding:
        vcpus = f"{vcpus_of(profile, profile.nodes[name])} vCPUs of {profile.job.instance_type}"
        if low:
            return ProfilerFinding(
                what=f"95 % of the time {name} used at most {np.percentile(values, 95):.1f} % of the {vcpus}; "
                f"{self.low_threshold_p95:g} % is the threshold.",
                why="Most of the vCPUs that are paid for did nothing.",
                advice=(
                    "Let more of them work: raise --num-workers, and see that OMP_NUM_THREADS is not 1.",
                    "Or take a smaller instance type; RightSizing names one.",
                ),
            )
        return ProfilerFinding(
            what=f"Half of the time {name} used more than {np.median(values):.1f} % of the {vcpus}; "
            f"{self.high_threshold_p50:g} % is the threshold.",
            why="The vCPUs are all in use: they decide how long the job takes.",
            advice=(
                "Take an instance type with more vCPUs, or one with a GPU, if it should be done sooner.",
                "Or let it do less: a smaller --image-size, a frozen backbone, augmentation off.",
            ),
        )
