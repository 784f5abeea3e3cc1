"""RightSizing: the instance type that would have done."""

from dataclasses import dataclass

from diagnostics.instances import UnknownInstanceType, instance_type
from diagnostics.profile.downsample import finite
from diagnostics.profile.profile import Profile, ProfilerFinding
from diagnostics.profile.rules.rule import ProfilerRule, Verdict, no_samples, rounded
from diagnostics.profile.sizing import Headroom, Sizing, size
from diagnostics.rules.parameters import at_least

_LARGER_WEIGHT = 0.1  # nothing is wasted where more is needed


@dataclass(frozen=True, kw_only=True)
class RightSizing(ProfilerRule):
    """Ours. Fires when another instance type fits what the job used better: smaller with `memory_headroom` and
    `cpu_headroom` % in reserve above the highest use, or larger where it ran short. Whether it fires or not, the
    sentence stands in details. Weight: the mean share of vCPUs and of memory that the smaller type saves.
    """

    memory_headroom: float = 25
    cpu_headroom: float = 10

    def __post_init__(self) -> None:
        """Check the parameters."""
        super().__post_init__()
        at_least(0, memory_headroom=self.memory_headroom, cpu_headroom=self.cpu_headroom)

    def judge(self, profile: Profile) -> Verdict:
        """All nodes together: the largest need counts."""
        try:
            instance = instance_type(profile.job.instance_type)
        except UnknownInstanceType as unknown:
            return Verdict(unjudged=f"{unknown}: its vCPUs and its memory have to be known to judge it.")
        sizing = size(profile, instance, Headroom(self.memory_headroom, self.cpu_headroom))
        if sizing is None:
            return no_samples()
        finding = None
        if sizing.recommended is not None:
            why = (
                "The instance is paid by the second, used or not." if _saved(sizing) > 0 else "The job ran short of it."
            )
            finding = ProfilerFinding(what=sizing.sentence, why=why, advice=sizing.advice)
        use = sizing.use
        return Verdict(
            triggered=int(finding is not None),
            violations=int(finding is not None),
            datapoints=sum(len(finite(node.memory).values) for node in profile.nodes.values()),
            details={
                "sentence": sizing.sentence,
                "instance_type": instance.name,
                "recommended": (sizing.recommended or instance).name,
                "memory_gib": {"max": rounded(use.memory_gib), "p99": rounded(use.memory_gib_p99)},
                "vcpus": {"max": rounded(use.vcpus), "p99": rounded(use.vcpus_p99)},
            },
            finding=finding,
            weight=0.0 if finding is None else max(_LARGER_WEIGHT, _saved(sizing)),
        )


def _saved(sizing: Sizing) -> float:
    """The mean share of vCPUs and memory; negative where the type is larger."""
    now, then = sizing.instance, sizing.recommended or sizing.instance
    return (2 - then.vcpus / now.vcpus - then.memory_gib / now.memory_gib) / 2
