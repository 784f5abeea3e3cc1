"""A job's profile from its files, read as they grow."""

from collections.abc import Iterable, Sequence

import numpy as np

from diagnostics.job import JobFacts
from diagnostics.profile.profile import NodeProfile, Profile, Series
from diagnostics.profile.system_metrics import SystemMetrics
from diagnostics.profile.timeline import Timeline
from diagnostics.source import Source


class ProfileReader:
    """Reads system/incremental and framework/pevents below each source; what was read is kept."""

    def __init__(self, sources: Sequence[Source], job: JobFacts) -> None:
        self._metrics = [SystemMetrics(source) for source in sources]
        self._timelines = [Timeline(source) for source in sources]
        self._job = job

    def read(self, job: JobFacts | None = None) -> Profile:
        """The profile so far; `job`: what is known of the job by now, where that changed."""
        self._job = job or self._job
        for metrics in self._metrics:
            metrics.read_new()
        for timeline in self._timelines:
            timeline.read_new()
        nodes = self._nodes()
        return Profile(
            job=self._job,
            nodes=nodes,
            steps=[steps for timeline in self._timelines for steps in timeline.steps()],
            interval_seconds=interval_seconds(nodes.values()),
            spans=[spans for timeline in self._timelines for spans in timeline.spans()],
            broken_lines=sum(metrics.broken_lines for metrics in self._metrics)
            + sum(timeline.broken_lines for timeline in self._timelines),
        )

    def _nodes(self) -> dict[str, NodeProfile]:
        """Hosts by name. One that two sources tell of (the job's own sampler beside ours) is the first source's."""
        found: dict[str, NodeProfile] = {}
        for metrics in self._metrics:
            for name, node in metrics.nodes().items():
                found.setdefault(name, node)
        return dict(sorted(found.items()))


def interval_seconds(nodes: Iterable[NodeProfile]) -> float | None:
    """The median time between two samples of a metric; None when no metric has two."""
    longest = [max(_all_series(node), key=lambda series: len(series.times)).times for node in nodes]
    between = [np.diff(np.unique(times)) for times in longest if len(times) > 1]
    gaps = np.concatenate(between) if between else np.empty(0)
    return float(np.median(gaps)) if len(gaps) else None


def _all_series(node: NodeProfile) -> list[Series]:
    by_name = (node.cpu, node.io_wait, node.gpu, node.gpu_memory, node.io, node.network)
    return [node.memory, *(series for metrics in by_name for series in metrics.values())]
