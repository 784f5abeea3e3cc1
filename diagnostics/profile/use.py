"""What a node used, from its series: aligned in time, and in the units that rules compare."""

from collections.abc import Iterable, Mapping

import numpy as np
import numpy.typing as npt

from diagnostics.instances import InstanceType, UnknownInstanceType, instance_type
from diagnostics.profile.downsample import finite
from diagnostics.profile.profile import NodeProfile, Profile, Series, Values
from diagnostics.profile.samples import measured

NOTHING = Series(np.empty(0), np.empty(0))


def type_of(profile: Profile) -> InstanceType | None:
    """The job's instance type; None where the catalogue has none of that name."""
    try:
        return instance_type(profile.job.instance_type)
    except UnknownInstanceType:
        return None


def vcpus_of(profile: Profile, node: NodeProfile) -> int:
    """The vCPUs of the instance type; of one that is not known, the cores that were measured."""
    found = type_of(profile)
    return found.vcpus if found else len(node.cpu)


def aligned(series: Mapping[str, Series], times: Values | None = None) -> tuple[Values, npt.NDArray[np.float64]]:
    """Times, and a row a series with its nearest sample at each: cores may miss samples, GPUs are read a bit later.

    Without `times` those of the longest series. Series without a finite sample have no row.
    """
    usable = [kept for one in series.values() if len((kept := finite(one)).values)]
    if times is None:
        times = max((one.times for one in usable), key=len, default=NOTHING.times)
    rows = [one.values[_nearest(one.times, times)] for one in usable]
    return times, np.array(rows).reshape(len(rows), len(times))


def cores_used(node: NodeProfile) -> Series:
    """How many cores were busy: the sum over cpuN / 100."""
    times, percent = aligned(node.cpu)
    return Series(times, percent.sum(axis=0) / 100) if len(percent) else NOTHING


def mean_of(series: Mapping[str, Series]) -> Series:
    """The mean over cores or GPUs."""
    times, percent = aligned(series)
    return Series(times, percent.mean(axis=0)) if len(percent) else NOTHING


def sum_of(series: Mapping[str, Series]) -> Series:
    """The sum of rates."""
    times, rates = aligned(series)
    return Series(times, rates.sum(axis=0)) if len(rates) else NOTHING


def percent_of_vcpus(profile: Profile, node: NodeProfile) -> Series:
    """Cores used, in percent of the vCPUs of the instance type: above 100 where the machine that ran it has more."""
    used = cores_used(node)
    return Series(used.times, 100 * used.values / vcpus_of(profile, node)) if len(node.cpu) else NOTHING


def held_back_by_the_machine(profile: Profile, node: NodeProfile) -> bool:
    """Whether the machine that ran the job has fewer cores than the type has vCPUs, and the job filled them once."""
    used = cores_used(node).values
    return bool(0 < len(node.cpu) < vcpus_of(profile, node) and len(used) and used.max() >= 0.9 * len(node.cpu))


def last_time(profile: Profile) -> float | None:
    """The newest sample's or step's time."""
    return max((float(times.max()) for times in _all_times(profile)), default=None)


def first_time(profile: Profile) -> float | None:
    """The oldest sample's or step's time."""
    return min((float(times.min()) for times in _all_times(profile)), default=None)


def _all_times(profile: Profile) -> Iterable[Values]:
    for node in profile.nodes.values():
        for series in (node.memory, *node.cpu.values(), *node.gpu.values()):
            if len(times := finite(series).times):
                yield times
    timed = [(steps.starts, steps.durations) for steps in profile.steps]
    timed += [(spans.starts, spans.durations) for spans in profile.spans]
    for starts, durations in timed:
        usable = measured(starts) & measured(durations)
        if usable.any():
            yield starts[usable]
            yield (starts + durations)[usable]


def _nearest(times: Values, wanted: Values) -> npt.NDArray[np.intp]:
    """The index in ascending `times` of the one nearest to each that is wanted."""
    after = np.searchsorted(times, wanted).clip(1, max(1, len(times) - 1))
    before = after - 1
    after = np.minimum(after, len(times) - 1)
    return np.where(wanted - times[before] <= times[after] - wanted, before, after)
