"""IdleGPU: an instance with a GPU on which the CPU trains."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from diagnostics.profile.profile import Profile, ProfilerFinding
from diagnostics.profile.rules.rule import ENOUGH, PatientRule, Verdict, no_gpu, rounded, within
from diagnostics.profile.use import percent_of_vcpus


@dataclass(frozen=True, kw_only=True)
class IdleGPU(PatientRule):
    """Ours. Fires for a node when the 95th percentile of every one of its GPUs is below `gpu_threshold_p95` % while its
    CPU uses at least `cpu_threshold` % of the vCPUs on the mean. Weight: the share of the GPUs that is idle.
    """

    gpu_threshold_p95: float = 5
    cpu_threshold: float = 10

    def __post_init__(self) -> None:
        """Check the parameters."""
        super().__post_init__()
        within(0, 100, gpu_threshold_p95=self.gpu_threshold_p95, cpu_threshold=self.cpu_threshold)

    def judge(self, profile: Profile) -> Verdict:
        """Each node by itself."""
        if not any(node.gpu for node in profile.nodes.values()):
            return no_gpu(profile)
        details: dict[str, Any] = {}
        fired: dict[str, tuple[float, float, int]] = {}
        idle = datapoints = 0.0
        for name, node in profile.nodes.items():
            gpus = [values for gpu in node.gpu.values() if len(values := self.after_start(gpu).values) >= ENOUGH]
            cpu = self.after_start(percent_of_vcpus(profile, node)).values
            if not gpus or len(cpu) < ENOUGH:
                continue
            busiest = max(float(np.percentile(values, 95)) for values in gpus)
            details[name] = {"gpu_p95": rounded(busiest), "cpu_mean": rounded(cpu.mean()), "gpus": len(gpus)}
            datapoints += sum(map(len, gpus))
            if busiest < self.gpu_threshold_p95 and cpu.mean() >= self.cpu_threshold:
                fired[name] = busiest, float(cpu.mean()), len(gpus)
                idle += 1 - float(np.mean([values.clip(0, 100).mean() for values in gpus])) / 100
        if not details:
            return Verdict(unjudged=self.too_short())
        worst = max(fired, key=lambda name: fired[name][1], default=None)
        return Verdict(
            triggered=len(fired),
            violations=len(fired),
            datapoints=int(datapoints),
            details=details,
            finding=None if worst is None else self._finding(profile, worst, *fired[worst]),
            weight=idle / len(details),
        )

    def _finding(self, profile: Profile, node: str, busiest: float, cpu: float, gpus: int) -> ProfilerFinding:
        those = "its GPU" if gpus == 1 else f"the busiest of its {gpus} GPUs"
        return ProfilerFinding(
            what=f"{node} trained on its CPU, {cpu:.1f} % of the vCPUs on the mean, while 95 % of the "
            f"time {those} was at most {busiest:.1f} % busy; {self.gpu_threshold_p95:g} % is the threshold.",
            why=f"{profile.job.instance_type} is paid for its GPU, and the CPU takes far longer for the same steps.",
            advice=(
                "Move the network and each batch to the GPU: .to('cuda'), and see in the log which device was used.",
                "Check that torch.cuda.is_available() is true: a CPU build of torch, or an image for CPUs, has no GPU.",
                "If the CPU is meant, take an instance type without a GPU; RightSizing names one.",
            ),
        )
