"""StepOutlier: steps that take far longer than the others."""

from dataclasses import dataclass
from typing import Any

from diagnostics.profile.profile import Profile, ProfilerFinding, Steps
from diagnostics.profile.rules.rule import ProfilerRule, Verdict, no_steps
from diagnostics.profile.samples import measured
from diagnostics.rules.parameters import ParameterOutOfRange, at_least

_ENOUGH_STEPS = 100


@dataclass(frozen=True, kw_only=True)
class StepOutlier(ProfilerRule):
    """Fires for the steps of a node and a mode when there are more than 100 of them and more than `n_outliers` take
    longer than the mean and `stddev` standard deviations. `mode` None: every mode.

    Weight: the time that outliers take above the mean, as a share of all step time.
    """

    stddev: float = 3
    mode: str | None = None
    n_outliers: int = 10

    def __post_init__(self) -> None:
        """Check the parameters."""
        super().__post_init__()
        at_least(0, stddev=self.stddev, n_outliers=self.n_outliers)
        if self.mode is not None and self._mode() not in ("TRAIN", "EVAL", "PREDICT", "GLOBAL"):
            raise ParameterOutOfRange("mode", self.mode, "TRAIN, EVAL, PREDICT, GLOBAL or none for all of them")

    def judge(self, profile: Profile) -> Verdict:
        """Each node and mode by itself."""
        chosen = [steps for steps in profile.steps if self.mode is None or steps.mode == self._mode()]
        chosen = [steps for steps in chosen if measured(steps.durations).any()]
        if not chosen:
            return no_steps()
        judged = [(steps, self._judge(steps)) for steps in chosen if len(steps.durations) > _ENOUGH_STEPS]
        if not judged:
            most = max(len(steps.durations) for steps in chosen)
            return Verdict(unjudged=f"More than {_ENOUGH_STEPS} steps are needed, and the job has {most} so far.")
        fired = [(steps, found) for steps, found in judged if found["outliers"] > self.n_outliers]
        details: dict[str, Any] = {}
        for steps, found in judged:
            details.setdefault(steps.node, {})[steps.mode] = {name: round(value, 6) for name, value in found.items()}
        total = sum(found["total"] for _, found in judged)
        worst = max(fired, key=lambda one: one[1]["excess"], default=None)
        return Verdict(
            triggered=len(fired),
            violations=int(sum(found["outliers"] for _, found in judged)),
            datapoints=int(sum(found["steps"] for _, found in judged)),
            details=details,
            finding=None if worst is None else self._finding(*worst),
            weight=min(1.0, sum(found["excess"] for _, found in fired) / total) if total > 0 else 0.0,
        )

    def _mode(self) -> str:
        return "" if self.mode is None else self.mode.rpartition(".")[2].upper()

    def _judge(self, steps: Steps) -> dict[str, float]:
        durations = steps.durations[measured(steps.durations)]
        mean, deviation = float(durations.mean()), float(durations.std())
        outliers = durations[durations > mean + self.stddev * deviation]
        return {
            "steps": len(durations),
            "outliers": len(outliers),
            "mean": mean,
            "stddev": deviation,
            "max": float(durations.max()),
            "excess": float((outliers - mean).sum()),
            "total": float(durations.sum()),
        }

    def _finding(self, steps: Steps, found: dict[str, float]) -> ProfilerFinding:
        limit = found["mean"] + self.stddev * found["stddev"]
        return ProfilerFinding(
            what=f"{found['outliers']:.0f} of {found['steps']:.0f} {steps.mode} steps on {steps.node} took longer than "
            f"{limit:.3f} s, the mean {found['mean']:.3f} s and {self.stddev:g} standard deviations; the longest took "
            f"{found['max']:.3f} s, and {self.n_outliers} are allowed.",
            why="What stalls single steps - checkpoints, saved tensors, a loader that starts anew - makes up time that "
            "nothing is learned in.",
            advice=(
                "Look at what happens every so many steps: save tensors and checkpoints less often.",
                "Keep the loader's workers from one epoch to the next (persistent_workers).",
            ),
        )
