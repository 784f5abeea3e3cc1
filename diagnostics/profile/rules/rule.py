"""What all Profiler rules have in common."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from diagnostics.profile.downsample import finite
from diagnostics.profile.profile import Profile, ProfilerFinding, Series, Values
from diagnostics.profile.use import type_of
from diagnostics.rules.parameters import ParameterOutOfRange, at_least

ENOUGH = 3  # samples: with fewer nothing is said


@dataclass(frozen=True)
class Verdict:
    """What a rule makes of a profile.

    `triggered` counts what it fired for (GPUs, nodes), `violations` the samples or windows that met the condition,
    `datapoints` those that were looked at. `weight` 0..1 is the share of the job's time, or of what the instance has,
    that goes to waste for this reason; each rule's docstring says which.
    """

    triggered: int = 0
    violations: int = 0
    datapoints: int = 0
    details: Mapping[str, Any] = field(default_factory=dict)
    finding: ProfilerFinding | None = None
    unjudged: str | None = None
    weight: float = 0.0


@dataclass(frozen=True, kw_only=True)
class ProfilerRule(ABC):
    """A condition over a profile. The fields are its parameters: AWS's names and defaults, and ours.

    `scan_interval_us` is how often the evaluator looks again; a verdict does not depend on it.
    """

    scan_interval_us: int = 60_000_000

    def __post_init__(self) -> None:
        """Check the parameters. Raises ParameterOutOfRange."""
        at_least(1, scan_interval_us=self.scan_interval_us)

    @abstractmethod
    def judge(self, profile: Profile) -> Verdict:
        """The verdict; never raises, whatever is missing."""


@dataclass(frozen=True, kw_only=True)
class PatientRule(ProfilerRule):
    """One that leaves a job's start-up alone: the first `patience` samples where that is given, as AWS counts it,
    else the first `patience_seconds`, so that a short job is judged too.
    """

    patience: int | None = None
    patience_seconds: float = 10.0

    def __post_init__(self) -> None:
        """Check the parameters."""
        super().__post_init__()
        at_least(0, patience=self.patience, patience_seconds=self.patience_seconds)

    def skipped(self, times: Values) -> int:
        """How many of the first samples are start-up."""
        if self.patience is not None:
            return min(self.patience, len(times))
        return int(np.searchsorted(times, times[0] + self.patience_seconds)) if len(times) else 0

    def after_start(self, series: Series) -> Series:
        """The finite samples after the start-up."""
        whole = finite(series)
        first = self.skipped(whole.times)
        return Series(whole.times[first:], whole.values[first:])

    def too_short(self) -> str:
        """Why samples do not suffice."""
        skipped = f"{self.patience_seconds:g} seconds" if self.patience is None else f"{self.patience} samples"
        parameter = "patience_seconds" if self.patience is None else "patience"
        return (
            f"After the first {skipped} ({parameter}) there are fewer than {ENOUGH} samples. Lower {parameter}, let "
            "the job run longer, or sample more often (ProfilingIntervalInMilliseconds)."
        )


def within(low: float, high: float, **fields: float) -> None:
    """Raise ParameterOutOfRange for a field that is not in between."""
    for name, value in fields.items():
        if not low <= value <= high:
            raise ParameterOutOfRange(name, value, f"a number from {low:g} to {high:g}")


def no_samples() -> Verdict:
    """Of a job without system metrics."""
    return Verdict(
        unjudged="No system metrics were found. Give the job a ProfilerConfig with S3OutputPath and "
        "ProfilingIntervalInMilliseconds, and DisableProfiler false."
    )


def no_gpu(profile: Profile) -> Verdict:
    """Of a job without GPU metrics."""
    if not profile.nodes:
        return no_samples()
    found = type_of(profile)
    if found is not None and found.gpus:
        return Verdict(
            unjudged=f"No GPU was measured, although {found.name} has {found.gpus} {found.gpu_kind}: the machine that "
            "ran the job has none, or no driver for it."
        )
    return Verdict(
        unjudged=f"{profile.job.instance_type} has no GPU, which this rule is about. CPUUtilization, MemoryUtilization "
        "and RightSizing judge such a job."
    )


def no_steps() -> Verdict:
    """Of a script that writes no step times."""
    return Verdict(
        unjudged="The script wrote no step times. training/ writes them into framework/pevents/ while the job is "
        "profiled; other scripts can with smdebug's hook."
    )


def rounded(value: float) -> float:
    """For details: two decimals."""
    return round(float(value), 2)
