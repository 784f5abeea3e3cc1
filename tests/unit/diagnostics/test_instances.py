"""The catalogue of instance types."""

from itertools import groupby, pairwise

import botocore.session
import pytest

from diagnostics.instances import UnknownInstanceType, catalogue, instance_type


@pytest.mark.parametrize(
    ("name", "vcpus", "memory_gib", "gpus"),
    [
        ("ml.m5.large", 2, 8, 0),
        ("ml.m5.xlarge", 4, 16, 0),
        ("ml.c5.xlarge", 4, 8, 0),
        ("ml.c5.9xlarge", 36, 72, 0),
        ("ml.c5.18xlarge", 72, 144, 0),
        ("ml.c5n.18xlarge", 72, 189, 0),
        ("ml.c4.8xlarge", 36, 60, 0),
        ("ml.r5.2xlarge", 8, 64, 0),
        ("ml.m4.10xlarge", 40, 160, 0),
        ("ml.t3.medium", 2, 4, 0),
        ("ml.g4dn.xlarge", 4, 16, 1),
        ("ml.g5.48xlarge", 192, 768, 8),
        ("ml.p3.8xlarge", 32, 244, 4),
        ("ml.p4d.24xlarge", 96, 1152, 8),
        ("ml.p5.48xlarge", 192, 2048, 8),
    ],
)
def test_what_a_type_has(name: str, vcpus: int, memory_gib: float, gpus: int) -> None:
    found = instance_type(name)
    assert (found.vcpus, found.memory_gib, found.gpus) == (vcpus, memory_gib, gpus)
    assert bool(found.gpu_kind) == bool(gpus)


@pytest.mark.parametrize(
    ("name", "kind", "gpu_memory_gib"),
    [
        ("ml.p2.xlarge", "K80", 12),
        ("ml.p3.2xlarge", "V100", 16),
        ("ml.p3dn.24xlarge", "V100", 32),
        ("ml.p4d.24xlarge", "A100", 40),
        ("ml.p4de.24xlarge", "A100", 80),
        ("ml.p5.48xlarge", "H100", 80),
        ("ml.g4dn.12xlarge", "T4", 16),
        ("ml.g5.xlarge", "A10G", 24),
        ("ml.g6.xlarge", "L4", 24),
        ("ml.g6e.xlarge", "L40S", 48),
    ],
)
def test_the_gpu_of_a_type(name: str, kind: str, gpu_memory_gib: float) -> None:
    found = instance_type(name)
    assert (found.gpu_kind, found.gpu_memory_gib) == (kind, gpu_memory_gib)


def test_an_unknown_type_lists_near_ones() -> None:
    with pytest.raises(UnknownInstanceType, match=r"ml\.m5\.xlarg'.*ml\.m5\.xlarge"):
        instance_type("ml.m5.xlarg")


def test_names_are_keys() -> None:
    assert all(name == found.name for name, found in catalogue().items())


def test_more_vcpus_in_a_family_never_mean_less_memory() -> None:
    types = sorted(catalogue().values(), key=lambda one: (one.family, one.vcpus, one.memory_gib))
    for family, members in groupby(types, key=lambda one: one.family):
        for smaller, larger in pairwise(members):
            assert smaller.memory_gib < larger.memory_gib or smaller.vcpus < larger.vcpus, family
            assert smaller.memory_gib <= larger.memory_gib, family
            assert smaller.gpu_kind == larger.gpu_kind, family
            assert smaller.gpu_memory_gib == larger.gpu_memory_gib, family


def test_a_gpu_comes_with_its_kind_and_its_memory() -> None:
    for found in catalogue().values():
        assert bool(found.gpus) == bool(found.gpu_kind) == bool(found.gpu_memory_gib), found.name


def test_which_types_train_is_what_sagemaker_says() -> None:
    model = botocore.session.get_session().get_service_model("sagemaker")
    allowed = set(model.shape_for("TrainingInstanceType").metadata["enum"])
    assert {name for name, found in catalogue().items() if found.trains} == allowed & set(catalogue())
