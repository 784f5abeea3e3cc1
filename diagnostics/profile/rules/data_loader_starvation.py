"""DataLoaderStarvation: steps that wait for their batches."""

from dataclasses import dataclass
from typing import Any

from diagnostics.profile.profile import Profile, ProfilerFinding
from diagnostics.profile.rules.rule import ProfilerRule, Verdict, no_steps, rounded, within
from diagnostics.profile.samples import measured

_ENOUGH_STEPS = 10
_TRAINING = ("TRAIN", "GLOBAL")


@dataclass(frozen=True, kw_only=True)
class DataLoaderStarvation(ProfilerRule):
    """Ours. Fires for a node when more than `threshold` % of the time of its training steps, waits included, goes into
    waiting for batches. The first step's wait, in which workers start, does not count. Weight: that share.
    """

    threshold: float = 20

    def __post_init__(self) -> None:
        """Check the parameters."""
        super().__post_init__()
        within(0, 100, threshold=self.threshold)

    def judge(self, profile: Profile) -> Verdict:
        """Each node by itself."""
        times: dict[str, tuple[float, float, int]] = {}
        for steps in profile.steps:
            if steps.mode in _TRAINING and len(steps.loader_wait) == len(steps.durations):
                usable = measured(steps.loader_wait) & measured(steps.durations)
                waits, durations = steps.loader_wait[usable][1:], steps.durations[usable][1:]
                before = times.get(steps.node, (0.0, 0.0, 0))
                times[steps.node] = (
                    before[0] + float(waits.sum()),
                    before[1] + float(durations.sum()),
                    before[2] + len(waits),
                )
        if not any(steps.mode in _TRAINING and len(steps.durations) for steps in profile.steps):
            return no_steps()
        if not times:
            return Verdict(
                unjudged="The script's timeline has no waits for batches (DataLoaderIter::GetNext); training/'s has."
            )
        shares = {
            node: 100 * waited / (waited + busy)
            for node, (waited, busy, count) in times.items()
            if count >= _ENOUGH_STEPS and waited + busy > 0
        }
        if not shares:
            return Verdict(unjudged=f"At least {_ENOUGH_STEPS} training steps after the first are needed.")
        details: dict[str, Any] = {
            node: {"waited": rounded(times[node][0]), "stepped": rounded(times[node][1]), "percent": rounded(share)}
            for node, share in shares.items()
        }
        fired = {node: share for node, share in shares.items() if share > self.threshold}
        worst = max(fired, key=lambda node: fired[node], default=None)
        return Verdict(
            triggered=len(fired),
            violations=len(fired),
            datapoints=sum(times[node][2] for node in shares),
            details=details,
            finding=None if worst is None else self._finding(worst, fired[worst], times[worst][2]),
            weight=min(1.0, sum(fired.values()) / 100 / len(shares)),
        )

    def _finding(self, node: str, share: float, steps: int) -> ProfilerFinding:
        return ProfilerFinding(
            what=f"{share:.1f} % of the time of {steps} training steps on {node} went into waiting for the next batch; "
            f"{self.threshold:g} % is the threshold.",
            why="While a step waits for images nothing is learned, on a GPU as on a CPU.",
            advice=(
                "Raise --num-workers, so that batches are prepared while the step before computes.",
                "Prepare less: store the images at the size that is trained on, or turn --augment off.",
                "With a frozen backbone and no augmentation its features need computing only once.",
            ),
        )
