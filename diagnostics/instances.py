"""The ml.* instance types: vCPUs, memory and GPUs, as AWS publishes them for the EC2 types of the same name.

Facts alone: no prices, which differ by region and change. Which types training jobs may ask for is SageMaker's
TrainingInstanceType.
"""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType


class UnknownInstanceType(ValueError):
    """No such instance type in the catalogue; the message lists near matches."""


@dataclass(frozen=True)
class InstanceType:
    """What one instance of a type has. `gpu_kind` is empty when there is no GPU; `gpu_memory_gib` is one GPU's."""

    name: str
    vcpus: int
    memory_gib: float
    gpus: int = 0
    gpu_kind: str = ""
    gpu_memory_gib: float = 0

    @property
    def family(self) -> str:
        """m5 of ml.m5.xlarge."""
        return self.name.split(".")[1]

    @property
    def trains(self) -> bool:
        """Whether a training job may ask for it."""
        return self.family not in _NOT_FOR_TRAINING and self.name not in _NOT_FOR_TRAINING


# Family: sizes, and GiB of memory for each vCPU.
_PLAIN: Mapping[str, tuple[str, float]] = {
    "t2": ("medium large xlarge 2xlarge", 4),
    "t3": ("medium large xlarge 2xlarge", 4),
    "m4": ("xlarge 2xlarge 4xlarge 10xlarge 16xlarge", 4),
    "m5": ("large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge", 4),
    "m5d": ("large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge", 4),
    "m6i": ("large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 32xlarge", 4),
    "m6g": ("large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge", 4),
    "m7i": ("large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge", 4),
    "m7i-flex": ("large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge", 4),
    "m8i": ("large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 32xlarge 48xlarge 96xlarge", 4),
    "m8i-flex": ("large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge", 4),
    "c4": ("large xlarge 2xlarge 4xlarge 8xlarge", 1.875),
    "c5": ("large xlarge 2xlarge 4xlarge 9xlarge 18xlarge", 2),
    "c5d": ("large xlarge 2xlarge 4xlarge 9xlarge 18xlarge", 2),
    "c5n": ("xlarge 2xlarge 4xlarge 9xlarge 18xlarge", 2.625),
    "c6i": ("large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 32xlarge", 2),
    "c6g": ("large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge", 2),
    "c7i": ("large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge", 2),
    "c7i-flex": ("large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge", 2),
    "c7g": ("large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge", 2),
    "c8i": ("large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 32xlarge 48xlarge 96xlarge", 2),
    "c8i-flex": ("large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge", 2),
    "r5": ("large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge", 8),
    "r5d": ("large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge", 8),
    "r6i": ("large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 32xlarge", 8),
    "r7i": ("large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge", 8),
    "r8i": ("large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 32xlarge 48xlarge 96xlarge", 8),
    "r8i-flex": ("large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge", 8),
}

# Family: the GPU, its memory in GiB, and for each size (memory in GiB, GPUs).
_WITH_GPU: Mapping[str, tuple[str, float, Mapping[str, tuple[float, int]]]] = {
    "p2": ("K80", 12, {"xlarge": (61, 1), "8xlarge": (488, 8), "16xlarge": (732, 16)}),
    "p3": ("V100", 16, {"2xlarge": (61, 1), "8xlarge": (244, 4), "16xlarge": (488, 8)}),
    "p3dn": ("V100", 32, {"24xlarge": (768, 8)}),
    "p4d": ("A100", 40, {"24xlarge": (1152, 8)}),
    "p4de": ("A100", 80, {"24xlarge": (1152, 8)}),
    "p5": ("H100", 80, {"4xlarge": (256, 1), "48xlarge": (2048, 8)}),
    "p5e": ("H200", 141, {"48xlarge": (2048, 8)}),
    "p5en": ("H200", 141, {"48xlarge": (2048, 8)}),
    "p6-b200": ("B200", 180, {"48xlarge": (2048, 8)}),
    "g4dn": (
        "T4",
        16,
        {
            "xlarge": (16, 1),
            "2xlarge": (32, 1),
            "4xlarge": (64, 1),
            "8xlarge": (128, 1),
            "12xlarge": (192, 4),
            "16xlarge": (256, 1),
        },
    ),
    "g5": (
        "A10G",
        24,
        {
            "xlarge": (16, 1),
            "2xlarge": (32, 1),
            "4xlarge": (64, 1),
            "8xlarge": (128, 1),
            "12xlarge": (192, 4),
            "16xlarge": (256, 1),
            "24xlarge": (384, 4),
            "48xlarge": (768, 8),
        },
    ),
    "g6": (
        "L4",
        24,
        {
            "xlarge": (16, 1),
            "2xlarge": (32, 1),
            "4xlarge": (64, 1),
            "8xlarge": (128, 1),
            "12xlarge": (192, 4),
            "16xlarge": (256, 1),
            "24xlarge": (384, 4),
            "48xlarge": (768, 8),
        },
    ),
    "g6e": (
        "L40S",
        48,
        {
            "xlarge": (32, 1),
            "2xlarge": (64, 1),
            "4xlarge": (128, 1),
            "8xlarge": (256, 1),
            "12xlarge": (384, 4),
            "16xlarge": (512, 1),
            "24xlarge": (768, 4),
            "48xlarge": (1536, 8),
        },
    ),
}

# What the rules below would get wrong.
_EXCEPTIONS = (
    InstanceType("ml.t2.medium", 2, 4),
    InstanceType("ml.t3.medium", 2, 4),
    InstanceType("ml.c4.8xlarge", 36, 60),
)

# Families and types that SageMaker offers for endpoints, not for training jobs.
_NOT_FOR_TRAINING = frozenset(
    (
        *("t2", "m5d", "m6g", "c5d", "c6g", "c7g"),
        *("ml.m5.8xlarge", "ml.m5.16xlarge", "ml.c4.large", "ml.c5.large", "ml.c6i.large", "ml.c7i-flex.large"),
        *("ml.c8i.large", "ml.c8i-flex.large"),
    )
)


def instance_type(name: str) -> InstanceType:
    """The type called `name`, such as ml.m5.xlarge. Raises UnknownInstanceType."""
    found = catalogue().get(name)
    if found is None:
        near = difflib.get_close_matches(name, catalogue(), n=4, cutoff=0.5)
        hint = f"; near it: {', '.join(near)}" if near else ""
        raise UnknownInstanceType(f"{name!r} is not an instance type that is known here{hint}")
    return found


@cache
def catalogue() -> Mapping[str, InstanceType]:
    """All types by name."""
    plain = [
        InstanceType(f"ml.{family}.{size}", vcpus(size), vcpus(size) * gib)
        for family, (sizes, gib) in _PLAIN.items()
        for size in sizes.split()
    ]
    with_gpu = [
        InstanceType(f"ml.{family}.{size}", vcpus(size), memory_gib, gpus, kind, gpu_memory_gib)
        for family, (kind, gpu_memory_gib, sizes) in _WITH_GPU.items()
        for size, (memory_gib, gpus) in sizes.items()
    ]
    return MappingProxyType({found.name: found for found in (*plain, *with_gpu, *_EXCEPTIONS)})


def vcpus(size: str) -> int:
    """How many vCPUs a size has: 2 up to large, 4 for xlarge, 4 N for Nxlarge."""
    if not size.endswith("xlarge"):
        return 2
    return 4 * int(size.removesuffix("xlarge") or 1)
