"""BatchSize: an instance of which nothing is used much, as with small batches."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from diagnostics.profile.profile import NodeProfile, Profile, ProfilerFinding
from diagnostics.profile.rules.rule import ENOUGH, PatientRule, Verdict, no_gpu, rounded, within
from diagnostics.profile.rules.windows import windows
from diagnostics.profile.use import aligned, mean_of
from diagnostics.rules.parameters import at_least


@dataclass(frozen=True, kw_only=True)
class BatchSize(PatientRule):
    """Fires for a GPU when in a window of `window` samples the 95th percentiles of its node's mean CPU use, of its own
    use and of its memory's are all below their thresholds.

    Weight: what the GPU does not use (100 % less the 95th percentile) in such windows, over all GPUs and windows.
    """

    cpu_threshold_p95: float = 70
    gpu_threshold_p95: float = 70
    gpu_memory_threshold_p95: float = 70
    window: int = 500

    def __post_init__(self) -> None:
        """Check the parameters."""
        super().__post_init__()
        at_least(1, window=self.window)
        thresholds = dict(zip(("cpu", "gpu", "gpu_memory"), self._thresholds(), strict=True))
        within(0, 100, **{f"{name}_threshold_p95": value for name, value in thresholds.items()})

    def judge(self, profile: Profile) -> Verdict:
        """Each GPU of each node by itself."""
        if not any(node.gpu for node in profile.nodes.values()):
            return no_gpu(profile)
        details: dict[str, Any] = {}
        datapoints = violations = triggered = judged = 0
        unused = 0.0
        worst: tuple[float, str, tuple[float, ...]] | None = None
        for node_name, node in profile.nodes.items():
            for gpu in node.gpu:
                rows = self._rows(node, gpu)
                if rows is None:
                    continue
                percentiles = [tuple(map(float, np.percentile(part, 95, axis=1))) for part in rows]
                met = [one for one in percentiles if all(map(np.less, one, self._thresholds()))]
                lowest = min(met, key=max, default=None)
                judged, datapoints, violations = (
                    judged + 1,
                    datapoints + sum(part.shape[1] for part in rows),
                    violations + len(met),
                )
                triggered += bool(met)
                unused += sum(1 - one[1] / 100 for one in met) / len(rows)
                details.setdefault(node_name, {})[gpu] = {
                    "windows": len(rows),
                    "violations": len(met),
                    "p95": dict(
                        zip(("cpu", "gpu", "gpu_memory"), map(rounded, np.max(percentiles, axis=0)), strict=True)
                    ),
                }
                if lowest is not None and (worst is None or max(lowest) < worst[0]):
                    worst = max(lowest), f"{gpu} of {node_name}", lowest
        if not judged:
            return Verdict(unjudged=self.too_short() + " GPU, GPU memory and CPU are all needed.")
        return Verdict(
            triggered=triggered,
            violations=violations,
            datapoints=datapoints,
            details=details,
            finding=None if worst is None else self._finding(*worst[1:]),
            weight=min(1.0, max(0.0, unused / judged)),
        )

    def _thresholds(self) -> tuple[float, float, float]:
        return self.cpu_threshold_p95, self.gpu_threshold_p95, self.gpu_memory_threshold_p95

    def _rows(self, node: NodeProfile, gpu: str) -> list[Any] | None:
        """Windows of the three rows CPU, GPU and GPU memory; None where one is missing or too short."""
        series = {"gpu": node.gpu[gpu], "gpu_memory": node.gpu_memory.get(gpu), "cpu": mean_of(node.cpu)}
        times, _ = aligned({"gpu": node.gpu[gpu]})
        first = self.skipped(times)
        rows = []
        for name in ("cpu", "gpu", "gpu_memory"):
            one = series[name]
            _, row = aligned({} if one is None else {name: one}, times)
            if not len(row) or len(times) - first < ENOUGH:
                return None
            rows.append(windows(row[0, first:], self.window))
        return [np.array(parts) for parts in zip(*rows, strict=True)]

    def _finding(self, gpu: str, p95: tuple[float, ...]) -> ProfilerFinding:
        return ProfilerFinding(
            what=f"95 % of the time the CPU was at most {p95[0]:.1f} % busy, {gpu} {p95[1]:.1f} % and its memory "
            f"{p95[2]:.1f} % full; the thresholds are {', '.join(f'{one:g} %' for one in self._thresholds())}.",
            why="Each step gives the GPU too little to do, and the time goes to what lies between steps.",
            advice=(
                "Raise --batch-size, and --lr in proportion.",
                "If the batch size must stay, a smaller instance type does the same for less.",
            ),
        )
