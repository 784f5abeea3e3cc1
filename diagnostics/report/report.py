"""What the page of a training job is made of."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from diagnostics.job import JobFacts
from diagnostics.profile.profile import Profile, ProfilerEvaluation
from diagnostics.profile.use import last_time
from diagnostics.rules.evaluation import RuleEvaluation
from diagnostics.tensors.curve import Curve


@dataclass(frozen=True)
class JobReport:
    """A training job as it stands: any part may be empty. `notes` are sentences for whoever reads the page."""

    job: JobFacts
    curves: Sequence[Curve] = ()
    debugger: Sequence[RuleEvaluation] = ()
    profiler: Sequence[ProfilerEvaluation] = ()
    profile: Profile | None = None
    notes: Sequence[str] = field(default=())

    @property
    def running(self) -> bool:
        """Whether more is to come."""
        return self.job.ended_at is None

    @property
    def last_step(self) -> int | None:
        """The last step that is known of, None when none was saved."""
        ends = [int(curve.steps[-1]) for curve in self.curves if len(curve.steps)]
        ends += [rule.finding.step for rule in self.debugger if rule.finding is not None]
        return max(ends, default=None)

    @property
    def last_sample(self) -> float | None:
        """When the newest sample or step of the profile was taken, epoch seconds."""
        return None if self.profile is None else last_time(self.profile)
