"""What was read and judged of a job, as the answers of the routes have it. Plain JSON: no nan, no infinity."""

import difflib
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from diagnostics.profile.downsample import downsample
from diagnostics.profile.profile import Profile, ProfilerEvaluation, Series
from diagnostics.tensors.collections import DEFAULTS
from diagnostics.tensors.curve import Curve
from diagnostics.tensors.saved_step import Mode
from diagnostics.tensors.stream import TensorStream

MOST_NEAR = 5


def number(value: float) -> float | None:
    """JSON has no nan and no infinity: null stands for them."""
    return float(value) if math.isfinite(value) else None


def plain(value: Any) -> Any:
    """Details of a rule as JSON has them."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, (bool, int, str)) or value is None:
        return value
    return number(float(value))


def loss_curve(curve: Curve, max_points: int) -> dict[str, Any]:
    """A loss over the steps; a long one keeps its peaks and dips, and the first value that is no number."""
    steps, values = np.asarray(curve.steps, np.float64), np.asarray(curve.values, np.float64)
    if len(steps) > max_points:
        thin = downsample(Series(steps, values), max_points)
        broken = np.flatnonzero(~np.isfinite(values))[:1]
        order = np.argsort(np.concatenate([thin.times, steps[broken]]), kind="stable")
        steps = np.concatenate([thin.times, steps[broken]])[order]
        values = np.concatenate([thin.values, values[broken]])[order]
    return {
        "tensor": curve.tensor,
        "mode": curve.mode,
        "steps": [int(step) for step in steps],
        "values": [number(value) for value in values],
    }


def tensor_page(stream: TensorStream, collection: str | None, cursor: str | None, limit: int) -> dict[str, Any]:
    """Saved tensors by name after `cursor`, with their collections and how many steps have saved them, by mode."""
    saved = stream.saved()
    by_name: dict[str, dict[str, Sequence[int]]] = {}
    for (name, mode), steps in saved.items():
        by_name.setdefault(name, {})[mode.value] = steps
    holds = stream.collections.holds
    names = sorted(name for name in by_name if collection is None or holds(collection, name))
    later = [name for name in names if cursor is None or name > cursor]
    page = later[:limit]
    how = _how_saved(stream, {name: max(steps[-1] for steps in by_name[name].values()) for name in page})
    return {
        "items": [
            {
                "name": name,
                "collections": [one for one in _collections(stream) if holds(one, name)],
                "steps": {mode: len(steps) for mode, steps in sorted(by_name[name].items())},
                "whole": how[name][0],
                "reductions": how[name][1],
            }
            for name in page
        ],
        "next_cursor": page[-1] if len(later) > limit else None,
    }


def near(name: str, stream: TensorStream) -> list[str]:
    """Saved tensors whose names are like `name`."""
    names = sorted({tensor for tensor, _ in stream.saved()})
    return difflib.get_close_matches(name, names, MOST_NEAR, cutoff=0.4) or names[:MOST_NEAR]


def mode_series(points: Mapping[Mode, Mapping[int, float]]) -> list[dict[str, Any]]:
    """A tensor's figure by mode."""
    return [
        {"mode": mode.value, "steps": sorted(found), "values": [number(found[step]) for step in sorted(found)]}
        for mode, found in points.items()
    ]


def verdict(one: ProfilerEvaluation) -> dict[str, Any]:
    """A Profiler rule's verdict."""
    judged = "NotJudged" if one.unjudged else "NoIssuesFound"
    found = one.finding
    return {
        "rule": one.rule,
        "status": "IssuesFound" if found is not None else judged,
        "weight": one.weight,
        "finding": None if found is None else {"what": found.what, "why": found.why, "advice": list(found.advice)},
        "unjudged": one.unjudged,
        "triggered": one.triggered,
        "violations": one.violations,
        "datapoints": one.datapoints,
        "details": plain(one.details),
        "parameters": dict(one.parameters),
    }


def profile_report(
    profile: Profile, evaluations: Sequence[ProfilerEvaluation], *, complete: bool, max_points: int | None
) -> dict[str, Any]:
    """What /profiler tells of a profile; with every metric over time when `max_points` is given."""
    verdicts = {one.rule: verdict(one) for one in evaluations}
    usage = verdicts.pop("OverallSystemUsage", None)
    return {
        "instance_type": profile.job.instance_type,
        "nodes": list(profile.nodes),
        "interval_seconds": profile.interval_seconds,
        "complete": complete,
        "right_sizing": verdicts.pop("RightSizing", None),
        "usage": {metric: nodes for metric, nodes in (usage or {"details": {}})["details"].items() if nodes},
        "verdicts": list(verdicts.values()),
        "steps": [
            {
                "node": steps.node,
                "mode": steps.mode,
                "steps": len(steps.durations),
                "median_seconds": _median(steps.durations),
                "median_loader_wait_seconds": _median(steps.loader_wait),
            }
            for steps in profile.steps
        ],
        "series": None if max_points is None else list(_measured(profile, max_points)),
        "notes": [f"{profile.broken_lines} lines could not be read and were left out."] if profile.broken_lines else [],
    }


def _measured(profile: Profile, max_points: int) -> Iterable[dict[str, Any]]:
    for name, node in profile.nodes.items():
        metrics: Mapping[str, Mapping[str, Series]] = {
            "cpu": node.cpu,
            "io_wait": node.io_wait,
            "gpu": node.gpu,
            "gpu_memory": node.gpu_memory,
            "memory": {"": node.memory},
            "io": node.io,
            "network": node.network,
        }
        for metric, several in metrics.items():
            for what, series in several.items():
                thin = downsample(series, max_points)
                if len(thin.times):
                    yield {
                        "node": name,
                        "metric": metric,
                        "name": what,
                        "times": thin.times.tolist(),
                        "values": thin.values.tolist(),
                    }


def _how_saved(stream: TensorStream, newest: Mapping[str, int]) -> dict[str, tuple[bool, list[str]]]:
    """Of each tensor, by the step that saved it last: whether it is whole, and its reductions."""
    found: dict[str, tuple[bool, list[str]]] = dict.fromkeys(newest, (False, []))
    for step in stream.steps(sorted(set(newest.values())), lambda _: False):
        for name, last in newest.items():
            if last == step.step:
                found[name] = (name in step.tensors, sorted(step.reductions.get(name, ())))
    return found


def _collections(stream: TensorStream) -> list[str]:
    known = stream.collections
    return sorted({*known.regexes, *known.names, *DEFAULTS})


def _median(values: Any) -> float | None:
    finite = np.asarray(values, np.float64)
    finite = finite[np.isfinite(finite)]
    return float(np.median(finite)) if len(finite) else None
