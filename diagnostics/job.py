"""What diagnostics has to know of a training job."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class JobFacts:
    """A training job; times are epoch seconds. `ended_at` None: it runs."""

    name: str
    instance_type: str
    instance_count: int = 1
    status: str = "InProgress"
    started_at: float | None = None
    ended_at: float | None = None
    hyperparameters: Mapping[str, str] = field(default_factory=dict)
