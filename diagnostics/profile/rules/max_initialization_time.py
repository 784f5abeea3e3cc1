"""MaxInitializationTime: a job that takes long to its first step."""

from dataclasses import dataclass

from diagnostics.profile.profile import Profile, ProfilerFinding
from diagnostics.profile.rules.rule import ProfilerRule, Verdict, no_samples, no_steps, rounded
from diagnostics.profile.samples import measured
from diagnostics.profile.use import first_time, last_time
from diagnostics.rules.parameters import at_least


@dataclass(frozen=True, kw_only=True)
class MaxInitializationTime(ProfilerRule):
    """Fires when no step was seen in the first `threshold` minutes, counted from the job's first sample.

    A script that writes no timeline at all cannot be judged. Weight: the share of the job's time before the first step.
    """

    threshold: float = 20

    def __post_init__(self) -> None:
        """Check the parameters."""
        super().__post_init__()
        at_least(0, threshold=self.threshold)

    def judge(self, profile: Profile) -> Verdict:
        """The job as a whole."""
        started, newest = first_time(profile), last_time(profile)
        if started is None or newest is None:
            return no_samples()
        starts = [starts.min() for steps in profile.steps if len(starts := steps.starts[measured(steps.starts)])]
        if not starts and not profile.spans:
            return no_steps()
        waited = float(min(starts, default=newest)) - started
        fired = waited > 60 * self.threshold
        ended = max(newest, profile.job.ended_at or newest)
        return Verdict(
            triggered=int(fired),
            violations=int(fired),
            datapoints=sum(len(steps.starts) for steps in profile.steps),
            details={
                "step_num": {"first": rounded(min(starts) - started)} if starts else {},
                "seconds": rounded(waited),
            },
            finding=self._finding(waited, bool(starts)) if fired else None,
            weight=min(1.0, waited / max(ended - started, 1e-9)) if fired else 0.0,
        )

    def _finding(self, waited: float, stepped: bool) -> ProfilerFinding:
        seen = "The first step began" if stepped else "No step has begun"
        return ProfilerFinding(
            what=f"{seen} {waited / 60:.1f} minutes after the job's first sample; {self.threshold:g} is the threshold.",
            why="The instance is paid for while data and libraries are loaded, and nothing is learned.",
            advice=(
                "Let data come while it is used: input mode FastFile instead of File.",
                "Install less at the start: put what requirements.txt lists into an image of your own.",
                "Prepare the data set once, in a job without a GPU.",
            ),
        )
