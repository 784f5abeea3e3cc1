"""The catalogue of instance types."""

import pytest

from diagnostics.instances import UnknownInstanceType, catalogue, instance_type


@pytest.mark.parametrize(
    ("name", "vcpus", "memory_gib", "gpus"),
    [
        ("ml.m5.large", 2, 8, 0),
        ("ml.m5.xlarge", 4, 16, 0),
        ("ml.c5.18xlarge", 72, 144, 0),
        ("ml.c4.8xlarge", 36, 60, 0),
        ("ml.t3.medium", 2, 4, 0),
        ("ml.g4dn.xlarge", 4, 16, 1),
        ("ml.p3.8xlarge", 32, 244, 4),
        ("ml.p4d.24xlarge", 96, 1152, 8),
    ],
)
def test_what_a_type_has(name: str, vcpus: int, memory_gib: float, gpus: int) -> None:
    found = instance_type(name)
    assert (found.vcpus, found.memory_gib, found.gpus) == (vcpus, memory_gib, gpus)
    assert bool(found.gpu_kind) == bool(gpus)


def test_an_unknown_type_lists_near_ones() -> None:
    with pytest.raises(UnknownInstanceType, match=r"ml\.m5\.xlarg'.*ml\.m5\.xlarge"):
        instance_type("ml.m5.xlarg")


def test_names_are_keys() -> None:
    assert all(name == found.name for name, found in catalogue().items())
