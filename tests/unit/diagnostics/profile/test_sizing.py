"""Right-sizing: the seed's sentence, what fits, and what must never be recommended."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnostics.instances import catalogue, instance_type
from diagnostics.profile.profile import Profile
from diagnostics.profile.sizing import JITTER_PERCENT, Headroom, Sizing, size
from tests.unit.diagnostics.profiles import node, profile


def sized(one: Profile, headroom: Headroom | None = None) -> Sizing:
    found = size(one, instance_type(one.job.instance_type), headroom or Headroom())
    assert found is not None
    return found


def test_the_seeds_own_finding() -> None:
    cpu = [30.0] * 59 + [86.63]
    found = sized(profile(cpu=cpu, memory=[4.0] * 59 + [10.59], instance="ml.m5.xlarge"))
    assert found.sentence == (
        "The highest memory use was 10.59 % of ml.m5.xlarge's 16 GiB and the highest CPU use 86.63 % of its 4 vCPUs: "
        "less memory would do, the compute fits. ml.c5.xlarge has 4 vCPUs and 8 GiB."
    )
    assert found.recommended == instance_type("ml.c5.xlarge")
    assert '"instance_type": "ml.c5.xlarge"' in found.advice[0]


@pytest.mark.parametrize(
    ("asked", "cpu", "memory", "wanted"),
    [
        ("ml.m5.xlarge", 60.0, 60.0, None),  # all of it used
        ("ml.m5.xlarge", 80.0, 50.0, None),  # 25 % in reserve would be 10 GiB: c5.xlarge has 8
        ("ml.m5.xlarge", 80.0, 39.0, "ml.c5.xlarge"),
        ("ml.m5.2xlarge", 30.0, 10.0, "ml.c5.xlarge"),  # 4 of 8 vCPUs: half of both
        ("ml.m5.2xlarge", 20.0, 20.0, "ml.m5.large"),  # 1.6 vCPUs and 6.4 GiB
        ("ml.c5.xlarge", 90.0, 95.0, "ml.m5.xlarge"),
        ("ml.m5.xlarge", 90.0, 95.0, "ml.r5.xlarge"),
        ("ml.m5.xlarge", 99.0, 20.0, "ml.c5.2xlarge"),  # full all the time: more vCPUs
        ("ml.m6i.4xlarge", 40.0, 10.0, "ml.c6i.2xlarge"),
        ("ml.r5d.xlarge", 90.0, 20.0, "ml.c5.xlarge"),
        ("ml.m7i-flex.xlarge", 70.0, 20.0, "ml.c7i-flex.xlarge"),
        ("ml.t3.xlarge", 20.0, 20.0, "ml.t3.medium"),
        ("ml.m5.large", 60.0, 10.0, None),  # c5.large does not train
    ],
)
def test_which_type_would_do(asked: str, cpu: float, memory: float, wanted: str | None) -> None:
    found = sized(profile(cpu=cpu, memory=memory, cores=instance_type(asked).vcpus, instance=asked))
    assert (found.recommended and found.recommended.name) == wanted


def test_the_right_type_is_called_so() -> None:
    assert sized(profile(cpu=70.0, memory=70.0)).sentence.endswith(
        ": the memory fits, the compute fits. ml.m5.xlarge is the right size."
    )


def test_the_smallest_type_is_called_so() -> None:
    sentence = sized(profile(cpu=10.0, memory=10.0, cores=2, instance="ml.m5.large")).sentence
    assert "less memory would do, fewer vCPUs would do. No smaller type" in sentence


def test_the_largest_type_is_not_enough() -> None:
    found = sized(profile(cpu=50.0, memory=99.0, cores=96, instance="ml.r5.24xlarge"))
    assert found.recommended is None
    assert "more memory is needed" in found.sentence
    assert "No type of the kind of ml.r5.24xlarge has that" in found.sentence


def test_gpus_that_are_not_used() -> None:
    found = sized(profile(cpu=10.0, memory=10.0, gpu=[80.0, 1.0, 1.0, 1.0], cores=48, instance="ml.g4dn.12xlarge"))
    assert found.recommended == instance_type("ml.g4dn.2xlarge")
    assert "3 of 4 GPUs did nothing" in found.sentence
    assert "8 vCPUs, 32 GiB and 1 T4 of 16 GiB" in found.sentence


def test_no_gpu_is_used_at_all() -> None:
    found = sized(profile(cpu=80.0, memory=30.0, gpu=[0.0], cores=8, instance="ml.p3.2xlarge"))
    assert "no GPU was used" in found.sentence
    assert found.recommended == instance_type("ml.m5.2xlarge")


def test_without_a_measured_gpu_none_is_taken_away() -> None:
    found = sized(profile(cpu=10.0, memory=5.0, cores=32, instance="ml.p3.8xlarge"))
    assert found.recommended is None


def test_the_largest_use_of_several_nodes_counts() -> None:
    nodes = {"algo-1": node(cpu=20.0, memory=10.0), "algo-2": node(cpu=80.0, memory=70.0)}
    found = sized(profile(nodes=nodes))
    assert "16 GiB on algo-2 and" in found.sentence
    assert "4 vCPUs on algo-2:" in found.sentence
    assert found.recommended is None


def test_a_machine_with_fewer_cores_says_nothing_of_the_compute() -> None:
    found = sized(profile(cpu=100.0, memory=10.0, cores=2, instance="ml.m5.2xlarge"))
    assert "the machine that ran the job has fewer cores and filled them" in found.sentence
    assert found.recommended == instance_type("ml.c5.2xlarge")


def test_a_machine_with_more_cores_is_compared_with_the_types_vcpus() -> None:
    found = sized(profile(cpu=50.0, memory=40.0, cores=16, instance="ml.m5.xlarge"))
    assert "the highest CPU use 200.00 % of its 4 vCPUs: the memory fits, more vCPUs would be used" in found.sentence
    assert found.recommended == instance_type("ml.c5.2xlarge")


def test_nothing_measured_is_nothing_said() -> None:
    assert size(profile(nodes={}), instance_type("ml.m5.xlarge"), Headroom()) is None
    assert size(profile(memory=[], cpu=[[]]), instance_type("ml.m5.xlarge"), Headroom()) is None


@given(
    asked=st.sampled_from(sorted(name for name, one in catalogue().items() if one.trains)),
    cpu=st.lists(st.floats(0, 100), min_size=1, max_size=5),
    memory=st.lists(st.floats(0, 100), min_size=1, max_size=5),
    gpu=st.floats(0, 100),
)
def test_the_highest_use_fits_what_is_recommended(
    asked: str, cpu: list[float], memory: list[float], gpu: float
) -> None:
    instance = instance_type(asked)
    found = sized(profile(cpu=cpu, memory=memory, gpu=[gpu] * instance.gpus, cores=instance.vcpus, instance=asked))
    if found.recommended is not None:
        assert found.recommended.trains
        assert found.recommended.memory_gib >= max(memory) / 100 * instance.memory_gib * (1 - 1e-9)
        assert found.recommended.vcpus * (1 + JITTER_PERCENT / 100) >= max(cpu) / 100 * instance.vcpus * (1 - 1e-9)
        assert found.recommended.gpus >= (instance.gpus if gpu > 5 else 0)
        assert found.recommended.name in found.sentence
