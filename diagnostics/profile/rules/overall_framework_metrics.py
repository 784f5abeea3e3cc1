"""OverallFrameworkMetrics: what a job's time went into. Never fires."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from diagnostics.profile.profile import Profile, Values
from diagnostics.profile.rules.rule import ProfilerRule, Verdict, no_steps, rounded
from diagnostics.profile.samples import measured
from diagnostics.profile.use import first_time, last_time


@dataclass(frozen=True, kw_only=True)
class OverallFrameworkMetrics(ProfilerRule):
    """What the time went into: steps by mode, waits for batches (loader) and others.

    Details: `phase` in percent and `phase_time` in seconds, `ratio` of training to validation, `steps` with figures of
    the step times by mode, `spans` with the seconds of all other phases of the timeline.
    """

    def judge(self, profile: Profile) -> Verdict:
        """The shares, in details."""
        started, ended = first_time(profile), last_time(profile)
        durations: dict[str, list[Values]] = {}
        waited = 0.0
        for steps in profile.steps:
            durations.setdefault(steps.mode, []).append(_finite(steps.durations))
            waited += float(_finite(steps.loader_wait).sum())
        by_mode = {mode: values for mode, parts in durations.items() if len(values := np.concatenate(parts))}
        if started is None or ended is None or not by_mode:
            return no_steps()
        time = {mode: float(values.sum()) for mode, values in by_mode.items()} | {"loader": waited}
        # Processes of a node and nodes run at the same time: all of them together had this much.
        total = max((ended - started) * max(1, len({steps.node for steps in profile.steps})), sum(time.values()))
        time["others"] = total - sum(time.values())
        train, evaluate = time.get("TRAIN", 0.0) + time.get("GLOBAL", 0.0), time.get("EVAL", 0.0)
        spans: dict[str, float] = {}
        for one in profile.spans:
            spans[one.phase] = spans.get(one.phase, 0.0) + float(_finite(one.durations).sum())
        details: dict[str, Any] = {
            "phase": {name: rounded(100 * seconds / total) if total > 0 else 0.0 for name, seconds in time.items()},
            "phase_time": {name: rounded(seconds) for name, seconds in time.items()},
            "ratio": {"TRAIN/EVAL": rounded(train / evaluate)} if evaluate > 0 else {},
            "steps": {mode: _figures(values) for mode, values in by_mode.items()},
            "spans": {phase: rounded(seconds) for phase, seconds in sorted(spans.items())},
        }
        return Verdict(details=details, datapoints=sum(len(values) for values in by_mode.values()))


def _figures(durations: Values) -> dict[str, float]:
    """Of step times, seconds."""
    p95, p50 = np.percentile(durations, (95, 50))
    figures = {"mean": durations.mean(), "p50": p50, "p95": p95, "max": durations.max()}
    return {"count": len(durations)} | {name: round(float(value), 6) for name, value in figures.items()}


def _finite(values: Values) -> Values:
    kept: Values = values[measured(values)]
    return kept
