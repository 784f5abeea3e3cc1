"""A training job as the process that judges it has to know it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

RuleMembers = Mapping[str, Any]


@dataclass(frozen=True)
class Subject:
    """Plain values only: it travels as JSON. Times are epoch seconds; `ended_at` None: the job runs.

    `tensors` and `profile` are the s3:// prefixes of debug-output and profiler-output, None where nothing is written.
    Rules have RuleConfigurationName and RuleParameters, as DescribeTrainingJob tells them.
    """

    name: str
    created_at: float
    status: str
    over: bool
    instance_type: str
    instance_count: int
    started_at: float | None
    ended_at: float | None
    hyperparameters: Mapping[str, str]
    tensors: str | None
    profile: str | None
    debug_rules: Sequence[RuleMembers]
    profiler_rules: Sequence[RuleMembers]

    def as_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return asdict(self)

    @classmethod
    def of_json(cls, members: Mapping[str, Any]) -> "Subject":
        """The subject that `as_json` told."""
        return cls(**members)
