"""What is known of a job's use of its machines: system metrics over time, steps and loader waits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from diagnostics.job import JobFacts

Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Series:
    """Samples of one metric: `times` in epoch seconds, ascending, and as many `values`."""

    times: Values
    values: Values


@dataclass(frozen=True)
class NodeProfile:
    """One host (algo-1, ...). Percentages are 0..100.

    `cpu` and `io_wait` by core (cpu0, ...), `gpu` and `gpu_memory` by GPU (gpu0, ...); `memory` is the share of the
    instance type's memory; `io` and `network` are rates by SageMaker's names (ReadThroughputInBytesPerSecond,
    WriteThroughputInBytesPerSecond, IOPS; ReceiveBytesPerSecond, TransmitBytesPerSecond of Dimension Algorithm).
    """

    cpu: Mapping[str, Series]
    io_wait: Mapping[str, Series]
    gpu: Mapping[str, Series]
    gpu_memory: Mapping[str, Series]
    memory: Series
    io: Mapping[str, Series]
    network: Mapping[str, Series]


@dataclass(frozen=True)
class Steps:
    """Steps of one mode (TRAIN, EVAL, ...) on one host: start in epoch seconds, duration in seconds; same lengths.

    `loader_wait` is how long the step waited for its batch before it began, seconds; empty when that is not known.
    """

    node: str
    mode: str
    starts: Values
    durations: Values
    loader_wait: Values


@dataclass(frozen=True)
class Spans:
    """What else a script's timeline tells, by phase (Forward, DataLoaderWorker, ...) on one host; seconds."""

    node: str
    phase: str
    starts: Values
    durations: Values


@dataclass(frozen=True)
class Profile:
    """All of it. `interval_seconds` is the median time between two samples, None without samples.

    `broken_lines` counts what could not be read and was left out.
    """

    job: JobFacts
    nodes: Mapping[str, NodeProfile]
    steps: Sequence[Steps]
    interval_seconds: float | None
    spans: Sequence[Spans] = ()
    broken_lines: int = 0


@dataclass(frozen=True)
class ProfilerFinding:
    """What a Profiler rule says: figures and threshold in `what`, the consequence in `why`, what to change."""

    what: str
    why: str
    advice: tuple[str, ...]


@dataclass(frozen=True)
class ProfilerEvaluation:
    """What a Profiler rule made of a profile.

    `triggered`, `violations`, `datapoints`, `details` and `parameters` are those of AWS's report file. `unjudged` says
    why there is no verdict, and what to do to get one. `weight` 0..1 ranks findings by what they cost the job.
    """

    rule: str
    triggered: int
    violations: int
    datapoints: int
    details: Mapping[str, Any]
    parameters: Mapping[str, str]
    finding: ProfilerFinding | None = None
    unjudged: str | None = None
    weight: float = 0.0

    def as_aws_json(self) -> dict[str, Any]:
        """The content of profiler-reports/<Rule>.json."""
        return {
            "RuleTriggered": self.triggered,
            "Violations": self.violations,
            "Details": dict(self.details),
            "Datapoints": self.datapoints,
            "RuleParameters": "\n".join(f"{name}:{value}" for name, value in self.parameters.items()),
        }
