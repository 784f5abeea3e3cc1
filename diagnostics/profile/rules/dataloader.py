"""Dataloader: too few or too many loader processes for the cores."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from diagnostics.profile.profile import Profile, ProfilerFinding, Spans
from diagnostics.profile.rules.rule import ProfilerRule, Verdict, rounded
from diagnostics.profile.samples import measured
from diagnostics.profile.use import type_of
from diagnostics.rules.parameters import ParameterOutOfRange, at_least

_WORKER = "DataLoaderWorker"
_MOMENTS = 1000  # at which workers are counted


@dataclass(frozen=True, kw_only=True)
class Dataloader(ProfilerRule):
    """Fires for a node when the median number of loader workers that run at the same time, counted while any runs, is
    below `min_threshold` % or above `max_threshold` % of the cores. `patience`: so many workers must have ended first.

    Weight: the share of cores without a worker, or the share of workers without a core.
    """

    min_threshold: float = 70
    max_threshold: float = 200
    patience: int | None = None

    def __post_init__(self) -> None:
        """Check the parameters."""
        super().__post_init__()
        at_least(0, min_threshold=self.min_threshold, patience=self.patience)
        if self.max_threshold < self.min_threshold:
            raise ParameterOutOfRange("max_threshold", self.max_threshold, "a number from min_threshold on")

    def judge(self, profile: Profile) -> Verdict:
        """Each node by itself."""
        workers = {spans.node: spans for spans in profile.spans if spans.phase == _WORKER and _usable(spans).any()}
        workers = {node: spans for node, spans in workers.items() if len(spans.starts) >= (self.patience or 0)}
        found_type = type_of(profile)
        details: dict[str, Any] = {}
        shares: dict[str, tuple[float, float, int]] = {}
        for node, spans in workers.items():
            cores = found_type.vcpus if found_type else len(profile.nodes[node].cpu) if node in profile.nodes else 0
            if cores:
                median = median_concurrency(spans)
                shares[node] = 100 * median / cores, median, cores
                details[node] = {"workers": rounded(median), "cores": cores, "percent": rounded(shares[node][0])}
        if not shares:
            return Verdict(
                unjudged="The script wrote no times of loader workers (DataLoaderWorker). DataLoaderStarvation judges "
                "how long steps wait for their batches."
            )
        fired = {
            node: found for node, found in shares.items() if not self.min_threshold <= found[0] <= self.max_threshold
        }
        worst = max(fired, key=lambda node: abs(fired[node][0] - 100), default=None)
        return Verdict(
            triggered=len(fired),
            violations=len(fired),
            datapoints=sum(len(spans.starts) for spans in workers.values()),
            details=details,
            finding=None if worst is None else self._finding(worst, *fired[worst]),
            weight=max(
                (1 - share / 100 if share < 100 else 1 - 100 / share for share, _, _ in fired.values()), default=0.0
            ),
        )

    def _finding(self, node: str, share: float, median: float, cores: int) -> ProfilerFinding:
        few = share < self.min_threshold
        limit = self.min_threshold if few else self.max_threshold
        return ProfilerFinding(
            what=f"{median:g} loader workers ran at a time on {node}, {share:.0f} % of its {cores} cores; {limit:g} % "
            f"is the {'least' if few else 'most'} that is sensible.",
            why="Cores without a worker prepare nothing." if few else "Workers that share a core slow each other down.",
            advice=(f"Set --num-workers to {cores}, one a core.",),
        )


def median_concurrency(spans: Spans) -> float:
    """The median, over time in which any runs, of how many run."""
    usable = _usable(spans)
    starts, ends = np.sort(spans.starts[usable]), np.sort((spans.starts + spans.durations)[usable])
    moments = np.linspace(starts[0], ends[-1], _MOMENTS)
    running = np.searchsorted(starts, moments, side="right") - np.searchsorted(ends, moments, side="left")
    return float(np.median(running[running > 0])) if (running > 0).any() else 0.0


def _usable(spans: Spans) -> npt.NDArray[np.bool_]:
    usable: npt.NDArray[np.bool_] = measured(spans.starts) & measured(spans.durations) & (spans.durations >= 0)
    return usable
