"""LoadBalancing: GPUs of one node that are not equally busy."""

from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from diagnostics.profile.profile import Profile, ProfilerFinding, Values
from diagnostics.profile.rules.rule import ENOUGH, PatientRule, Verdict, no_gpu, within

_BINS = np.linspace(0, 100, 51)  # 2 % each


@dataclass(frozen=True, kw_only=True)
class LoadBalancing(PatientRule):
    """Fires for a pair of GPUs of one node when the Jensen-Shannon distance of the histograms of their use is above
    `threshold`. Weight: by how much the mean use of the most and the least busy such GPU differs.
    """

    threshold: float = 0.2

    def __post_init__(self) -> None:
        """Check the parameters."""
        super().__post_init__()
        within(0, 1, threshold=self.threshold)

    def judge(self, profile: Profile) -> Verdict:
        """Each node by itself."""
        if not any(node.gpu for node in profile.nodes.values()):
            return no_gpu(profile)
        details: dict[str, Any] = {}
        pairs: dict[tuple[str, str, str], tuple[float, float]] = {}
        datapoints = 0
        for name, node in profile.nodes.items():
            use = {gpu: self.after_start(series).values for gpu, series in node.gpu.items()}
            use = {gpu: values for gpu, values in use.items() if len(values) >= ENOUGH}
            datapoints += sum(map(len, use.values()))
            for one, other in combinations(use, 2):
                distance = js_distance(use[one], use[other])
                pairs[name, one, other] = distance, abs(float(use[one].mean() - use[other].mean())) / 100
                details.setdefault(name, {})[f"{one}-{other}"] = round(distance, 4)
        if not pairs:
            return Verdict(unjudged=f"Fewer than two GPUs of a node can be compared. {self.too_short()}")
        fired = {pair: found for pair, found in pairs.items() if found[0] > self.threshold}
        worst = max(fired, key=lambda pair: fired[pair], default=None)
        return Verdict(
            triggered=len(fired),
            violations=len(fired),
            datapoints=datapoints,
            details=details,
            finding=None if worst is None else self._finding(worst, fired[worst][0]),
            weight=min(1.0, max((apart for _, apart in fired.values()), default=0.0)),
        )

    def _finding(self, pair: tuple[str, str, str], distance: float) -> ProfilerFinding:
        node, one, other = pair
        return ProfilerFinding(
            what=f"{one} and {other} of {node} are used differently: the distance of their histograms is "
            f"{distance:.2f}, {self.threshold:g} is the threshold.",
            why="In each step the fastest GPU waits for the slowest one.",
            advice=(
                "Start one process a GPU (DistributedDataParallel) instead of DataParallel, whose first GPU does more.",
                "Give each process as many images: a DistributedSampler with drop_last.",
                "If only one GPU is used at all, take an instance type with one.",
            ),
        )


def js_distance(one: Values, other: Values) -> float:
    """The square root of the Jensen-Shannon divergence (natural logarithm) of two histograms of percentages."""
    p, q = (np.histogram(values.clip(0, 100), _BINS)[0] / len(values) for values in (one, other))
    mean = (p + q) / 2
    divergence = 0.0
    for part in (p, q):
        ratio = np.divide(part, mean, out=np.ones_like(part), where=part > 0)
        divergence += float((part * np.log(ratio)).sum()) / 2
    return float(np.sqrt(max(0.0, divergence)))
