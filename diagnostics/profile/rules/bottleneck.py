"""What CPUBottleneck and IOBottleneck share: snapshots in which something is full while a GPU is idle."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from diagnostics.profile.profile import NodeProfile, Profile, ProfilerFinding, Series
from diagnostics.profile.rules.rule import ENOUGH, PatientRule, Verdict, no_gpu, rounded
from diagnostics.profile.use import aligned

Pressure = Callable[[NodeProfile], Mapping[str, Series]]


def bottlenecks(
    rule: PatientRule,
    profile: Profile,
    pressure: Pressure,
    limits: tuple[float, float, float],
    finding: Callable[[str, float], ProfilerFinding],
) -> Verdict:
    """`limits`: percent of snapshots, of the pressure (any core above it) and of a GPU (any below it)."""
    share_limit, pressure_limit, gpu_limit = limits
    if not any(node.gpu for node in profile.nodes.values()):
        return no_gpu(profile)
    shares: dict[str, float] = {}
    details: dict[str, Any] = {}
    snapshots = violations = 0
    for name, node in profile.nodes.items():
        times, gpus = aligned(node.gpu)
        _, cores = aligned(pressure(node), times)
        first = rule.skipped(times)
        if not len(cores) or len(times) - first < ENOUGH:
            continue
        full, idle = (cores[:, first:] > pressure_limit).any(axis=0), (gpus[:, first:] < gpu_limit).any(axis=0)
        met = int(np.count_nonzero(full & idle))
        shares[name] = 100 * met / (len(times) - first)
        snapshots, violations = snapshots + len(times) - first, violations + met
        details[name] = {
            "bottlenecks": met,
            "snapshots": len(times) - first,
            "percent": rounded(shares[name]),
            "full": int(np.count_nonzero(full)),
            "gpu_idle": int(np.count_nonzero(idle)),
        }
    if not shares:
        return Verdict(unjudged=rule.too_short())
    fired = {name: share for name, share in shares.items() if share > share_limit}
    worst = max(fired, key=lambda name: fired[name], default=None)
    return Verdict(
        triggered=len(fired),
        violations=violations,
        datapoints=snapshots,
        details=details,
        finding=None if worst is None else finding(worst, fired[worst]),
        weight=sum(fired.values()) / 100 / len(shares),
    )
