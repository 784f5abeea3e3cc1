"""OverallSystemUsage: what each node used, in figures. Never fires."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from diagnostics.profile.downsample import finite
from diagnostics.profile.profile import NodeProfile, Profile, Series
from diagnostics.profile.rules.rule import ProfilerRule, Verdict, no_samples, rounded
from diagnostics.profile.use import mean_of, percent_of_vcpus, sum_of


@dataclass(frozen=True, kw_only=True)
class OverallSystemUsage(ProfilerRule):
    """max, p99, p95, p50 and min of each node: CPU in percent of the instance type's vCPUs, CPU memory in percent of
    its memory, GPU, GPU memory and I/O wait as the mean over GPUs or cores, network in bytes a second, both ways.
    """

    def judge(self, profile: Profile) -> Verdict:
        """The figures, in details."""
        if not profile.nodes:
            return no_samples()
        metrics: Mapping[str, Callable[[NodeProfile], Series]] = {
            "CPU": lambda node: percent_of_vcpus(profile, node),
            "CPU memory": lambda node: node.memory,
            "GPU": lambda node: mean_of(node.gpu),
            "GPU memory": lambda node: mean_of(node.gpu_memory),
            "I/O": lambda node: mean_of(node.io_wait),
            "Network": lambda node: sum_of(node.network),
        }
        details = {
            metric: {name: figures for name, node in profile.nodes.items() if (figures := summary(of(node)))}
            for metric, of in metrics.items()
        }
        return Verdict(
            details=details, datapoints=sum(len(finite(node.memory).values) for node in profile.nodes.values())
        )


def summary(series: Series) -> dict[str, float]:
    """The five figures; empty without a finite sample."""
    values = finite(series).values
    if not len(values):
        return {}
    p99, p95, p50 = np.percentile(values, (99, 95, 50))
    figures = {"max": values.max(), "p99": p99, "p95": p95, "p50": p50, "min": values.min()}
    return {name: rounded(value) for name, value in figures.items()}
