"""Right-sizing: which instance type would have done for what a job used."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from diagnostics.instances import InstanceType, catalogue
from diagnostics.profile.downsample import finite
from diagnostics.profile.profile import NodeProfile, Profile
from diagnostics.profile.use import cores_used, held_back_by_the_machine

FULL_PERCENT = 95.0  # half of all samples above it: the vCPUs are the limit
MEMORY_LIMIT_PERCENT = 90.0  # above it a little more of anything ends the job
JITTER_PERCENT = 5.0  # as much as sampled CPU time may lie above what there is
IDLE_GPU_PERCENT = 5.0  # a GPU that never gets above it is not used


@dataclass(frozen=True)
class Headroom:
    """What stays in reserve above the highest use, percent of it."""

    memory: float = 25.0
    cpu: float = 10.0


@dataclass(frozen=True)
class Use:
    """The highest use of any node. `gpus` is how many a node used, None where none was measured."""

    memory_gib: float
    memory_gib_p99: float
    memory_node: str
    vcpus: float
    vcpus_p99: float
    vcpus_node: str
    cpu_bound: bool
    held_back: bool
    gpus: int | None


@dataclass(frozen=True)
class Sizing:
    """What was used of `instance`, and the type to take instead; None: keep it. `sentence` says it all."""

    instance: InstanceType
    use: Use
    recommended: InstanceType | None
    sentence: str
    advice: tuple[str, ...]


def observed(profile: Profile, instance: InstanceType) -> Use | None:
    """The use of the instance type's memory and vCPUs; None while neither has been measured on any node."""
    memory = {name: finite(node.memory).values * instance.memory_gib / 100 for name, node in profile.nodes.items()}
    vcpus = {name: cores_used(node).values for name, node in profile.nodes.items()}
    memory = {name: values for name, values in memory.items() if len(values)}
    vcpus = {name: values for name, values in vcpus.items() if len(values)}
    if not memory or not vcpus:
        return None
    memory_node = max(memory, key=lambda name: float(memory[name].max()))
    vcpus_node = max(vcpus, key=lambda name: float(vcpus[name].max()))
    return Use(
        memory_gib=float(memory[memory_node].max()),
        memory_gib_p99=float(np.percentile(memory[memory_node], 99)),
        memory_node=memory_node,
        vcpus=float(vcpus[vcpus_node].max()),
        vcpus_p99=float(np.percentile(vcpus[vcpus_node], 99)),
        vcpus_node=vcpus_node,
        cpu_bound=any(np.median(used) >= FULL_PERCENT / 100 * instance.vcpus for used in vcpus.values()),
        held_back=any(held_back_by_the_machine(profile, node) for node in profile.nodes.values()),
        gpus=_gpus_used(profile.nodes.values()),
    )


def size(profile: Profile, instance: InstanceType, headroom: Headroom) -> Sizing | None:
    """What the profile says of the type; None while nothing has been measured."""
    use = observed(profile, instance)
    if use is None:
        return None
    needed = _Needed(instance, use, headroom)
    found = needed.fitting()
    recommended = found if found is not None and found != instance else None
    nodes = len(profile.nodes)
    return Sizing(
        instance, use, recommended, _sentence(needed, found, nodes), _advice(instance, recommended, headroom, nodes)
    )


class _Needed:
    """What a type must have for what was used of another."""

    def __init__(self, instance: InstanceType, use: Use, headroom: Headroom) -> None:
        self.instance, self.use = instance, use
        self.memory_gib = _with_reserve(use.memory_gib, headroom.memory, instance.memory_gib)
        if use.memory_gib > MEMORY_LIMIT_PERCENT / 100 * instance.memory_gib:
            self.memory_gib = max(use.memory_gib * (1 + headroom.memory / 100), instance.memory_gib * 1.01)
        used = use.vcpus
        if instance.vcpus < used <= instance.vcpus * (1 + JITTER_PERCENT / 100):
            used = float(instance.vcpus)
        self.vcpus = _with_reserve(used, headroom.cpu, instance.vcpus)
        if use.cpu_bound:
            self.vcpus = max(self.vcpus, instance.vcpus + 1)
        elif use.held_back:
            self.vcpus = max(self.vcpus, instance.vcpus)  # less was used because less was there
        self.gpus = instance.gpus if use.gpus is None else min(use.gpus, instance.gpus)

    @property
    def more_memory(self) -> bool:
        return self.memory_gib > self.instance.memory_gib

    @property
    def more_vcpus(self) -> bool:
        return self.vcpus > self.instance.vcpus

    def fitting(self) -> InstanceType | None:
        """The smallest type that has all of it, of the same kind and generation; None: there is none."""
        fits = [
            one
            for one in _siblings(self.instance, self.gpus)
            if one.vcpus >= self.vcpus and one.memory_gib >= self.memory_gib and one.gpus >= self.gpus
        ]
        # Of two types as large in all respects the job's own is kept.
        order: Callable[[InstanceType], tuple[float, ...]] = lambda one: (  # noqa: E731 - a key with a type
            one.gpus,
            one.vcpus,
            one.memory_gib,
            one != self.instance,
        )
        return min(fits, key=order, default=None)


def _with_reserve(used: float, reserve: float, has: float) -> float:
    """With the reserve; but what ran in less ran: no more than there is, where all of the use is in that."""
    return max(used, min(used * (1 + reserve / 100), has))


def _siblings(instance: InstanceType, gpus: int) -> Iterable[InstanceType]:
    """Types that a training job may ask for instead.

    With a GPU: those with the same. Without, or when none of the GPUs is used: the families m, c and r of the same
    generation (5, 6i, 7i-flex; of the fifth where the type has GPUs), and its own.
    """
    if instance.gpus and gpus:
        return [one for one in catalogue().values() if one.family == instance.family and one.trains]
    letter, generation = instance.family[0], instance.family[1:]
    generation = generation.rstrip("dn") if letter in "mcr" else "5" if instance.gpus else generation
    families = {f"{one}{generation}" for one in "mcr"} if letter in "mcr" or instance.gpus else set()
    if not instance.gpus:
        families.add(instance.family)
    return [one for one in catalogue().values() if one.family in families and one.trains]


def _gpus_used(nodes: Iterable[NodeProfile]) -> int | None:
    """The most GPUs that one node used; None where no GPU was measured."""
    used: list[int] = []
    for node in nodes:
        highest = [float(values.max()) for gpu in node.gpu.values() if len(values := finite(gpu).values)]
        if highest:
            used.append(sum(one > IDLE_GPU_PERCENT for one in highest))
    return max(used, default=None)


def _sentence(needed: _Needed, found: InstanceType | None, nodes: int) -> str:
    instance, use = needed.instance, needed.use
    memory_on, cpu_on = (f" on {node}" if nodes > 1 else "" for node in (use.memory_node, use.vcpus_node))
    return (
        f"The highest memory use was {100 * use.memory_gib / instance.memory_gib:.2f} % of {instance.name}'s "
        f"{instance.memory_gib:g} GiB{memory_on} and the highest CPU use {100 * use.vcpus / instance.vcpus:.2f} % of "
        f"its {instance.vcpus} vCPUs{cpu_on}: {', '.join(_verdicts(needed, found or instance))}. "
        f"{_what_instead(needed, found)}"
    )


def _verdicts(needed: _Needed, found: InstanceType) -> Sequence[str]:
    """Of the memory, the vCPUs and the GPUs."""
    instance, use, kept = needed.instance, needed.use, found == needed.instance
    if needed.more_memory:
        memory = "more memory is needed"
    elif found.memory_gib < instance.memory_gib or (kept and 2 * needed.memory_gib <= instance.memory_gib):
        memory = "less memory would do"
    else:
        memory = "the memory fits"
    if needed.more_vcpus:
        compute = "more vCPUs would be used"
    elif use.held_back:
        compute = "of the compute nothing can be said, for the machine that ran the job has fewer cores and filled them"
    elif found.vcpus < instance.vcpus or (kept and 2 * needed.vcpus <= instance.vcpus):
        compute = "fewer vCPUs would do"
    else:
        compute = "the compute fits"
    idle = instance.gpus - needed.gpus
    gpus = [f"{idle} of {instance.gpus} GPUs did nothing" if needed.gpus else "no GPU was used"] if idle else []
    return [memory, compute, *gpus]


def _what_instead(needed: _Needed, found: InstanceType | None) -> str:
    instance = needed.instance
    if found is None:
        return f"No type of the kind of {instance.name} has that: split the work over more instances, or use less."
    if found != instance:
        return f"{found.name} has {described(found)}."
    verdicts = _verdicts(needed, instance)
    if any("would do" in one or "GPU" in one for one in verdicts):
        return f"No smaller type of the kind of {instance.name} has room for both."
    return f"{instance.name} is the right size."


def described(instance: InstanceType) -> str:
    """4 vCPUs and 8 GiB."""
    if not instance.gpus:
        return f"{instance.vcpus} vCPUs and {instance.memory_gib:g} GiB"
    gpus = f"{instance.gpus} {instance.gpu_kind} of {instance.gpu_memory_gib:g} GiB"
    return f"{instance.vcpus} vCPUs, {instance.memory_gib:g} GiB and {gpus}"


def _advice(
    instance: InstanceType, recommended: InstanceType | None, headroom: Headroom, nodes: int
) -> tuple[str, ...]:
    if recommended is None:
        return ()
    each = f" for each of the {nodes} instances" if nodes > 1 else ""
    smaller = (recommended.gpus, recommended.vcpus, recommended.memory_gib) < (
        instance.gpus,
        instance.vcpus,
        instance.memory_gib,
    )
    advice = [
        f'Ask for "instance_type": "{recommended.name}"{each}: above the highest use it keeps '
        f"{headroom.memory:g} % of memory and {headroom.cpu:g} % of CPU in reserve, where it is smaller."
    ]
    if smaller:
        advice.append("Run one job on it before you change them all: longer epochs or larger images use more.")
    return tuple(advice)
