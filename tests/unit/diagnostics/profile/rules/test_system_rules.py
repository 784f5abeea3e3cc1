"""Rules about CPU, memory and the whole instance."""

import pytest

from diagnostics.profile.rules.catalogue import evaluate
from tests.unit.diagnostics.profile.rules.judging import fired, judged, quiet, unjudged
from tests.unit.diagnostics.profiles import node, profile


def test_idle_vcpus() -> None:
    what = fired("CPUUtilization", profile(cpu=29.9))
    assert "at most 29.9 % of the 4 vCPUs of ml.m5.xlarge; 30 % is the threshold" in what
    assert quiet("CPUUtilization", profile(cpu=30.0))
    assert judged("CPUUtilization", profile(cpu=20.0)).weight == pytest.approx(0.8)


def test_full_vcpus() -> None:
    what = fired("CPUUtilization", profile(cpu=95.1))
    assert "used more than 95.1 % of the 4 vCPUs of ml.m5.xlarge; 95 % is the threshold" in what
    assert quiet("CPUUtilization", profile(cpu=95.0))


def test_idle_vcpus_beside_a_gpu_are_no_issue() -> None:
    assert quiet("CPUUtilization", profile(cpu=5.0, gpu=[90.0], instance="ml.g4dn.xlarge"))


def test_vcpus_are_the_types_not_the_machines() -> None:
    assert quiet("CPUUtilization", profile(cpu=50.0, cores=4, instance="ml.m5.xlarge"))
    fired("CPUUtilization", profile(cpu=50.0, cores=16, instance="ml.m5.xlarge"))  # 8 of 4 vCPUs
    fired("CPUUtilization", profile(cpu=50.0, cores=4, instance="ml.m5.4xlarge"))  # 2 of 16
    # A machine of 4 cores that were full says nothing of 16 vCPUs.
    assert quiet("CPUUtilization", profile(cpu=99.0, cores=4, instance="ml.m5.4xlarge"))


def test_of_an_unknown_type_the_cores_count() -> None:
    fired("CPUUtilization", profile(cpu=29.9, instance="ml.trn1.2xlarge"))
    assert quiet("CPUUtilization", profile(cpu=30.0, instance="ml.trn1.2xlarge"))


def test_a_job_of_thirty_seconds_is_judged() -> None:
    fired("CPUUtilization", profile(cpu=20.0, seconds=30))
    assert "fewer than 3 samples" in unjudged("CPUUtilization", profile(cpu=20.0, seconds=11))


def test_memory_near_its_limit() -> None:
    what = fired("MemoryUtilization", profile(memory=[40.0, 90.1, 40.0]))
    assert "90.10 % of the 16 GiB of ml.m5.xlarge; 90 % is the threshold" in what
    assert quiet("MemoryUtilization", profile(memory=[40.0, 90.0, 40.0]))
    assert judged("MemoryUtilization", profile(memory=100.0)).weight == 1


def test_memory_mostly_empty() -> None:
    assert "10.59 % of the 16 GiB" in fired("MemoryUtilization", profile(memory=[5.0, 10.59]))
    assert quiet("MemoryUtilization", profile(memory=[5.0, 20.0]))
    assert quiet("MemoryUtilization", profile(memory=5.0, gpu=[90.0], instance="ml.g4dn.xlarge"))


def test_right_sizing_states_the_seeds_finding() -> None:
    seed = profile(cpu=[30.0, 86.63], memory=[4.0, 10.59])
    what = fired("RightSizing", seed)
    assert what.endswith("less memory would do, the compute fits. ml.c5.xlarge has 4 vCPUs and 8 GiB.")
    found = judged("RightSizing", seed)
    assert found.weight == pytest.approx(0.25)  # half of the memory, none of the vCPUs
    assert found.details["sentence"] == what
    assert (found.details["instance_type"], found.details["recommended"]) == ("ml.m5.xlarge", "ml.c5.xlarge")
    assert found.details["memory_gib"]["max"] == 1.69
    assert quiet("RightSizing", seed, memory_headroom=400)
    assert "ml.m5.xlarge is the right size" in judged("RightSizing", profile(cpu=70.0, memory=60.0)).details["sentence"]


def test_right_sizing_needs_to_know_the_type() -> None:
    assert "'ml.trn1.2xlarge' is not an instance type that is known here" in unjudged(
        "RightSizing", profile(instance="ml.trn1.2xlarge")
    )


def test_overall_system_usage_in_sagemakers_schema() -> None:
    nodes = {
        "algo-1": node(cpu=[float(index) for index in range(101)], memory=12.345, io_wait=2.0, seconds=50.5),
        "algo-2": node(cpu=10.0, gpu=[20.0, 40.0], gpu_memory=[10.0, 30.0]),
    }
    found = evaluate("OverallSystemUsage", profile(nodes=nodes), {})
    assert list(found.details) == ["CPU", "CPU memory", "GPU", "GPU memory", "I/O", "Network"]
    assert found.details["CPU"]["algo-1"] == {"max": 100.0, "p99": 99.0, "p95": 95.0, "p50": 50.0, "min": 0.0}
    assert (
        found.details["CPU memory"]["algo-1"]["max"] == 12.35 or found.details["CPU memory"]["algo-1"]["max"] == 12.34
    )
    assert list(found.details["GPU"]) == ["algo-2"]
    assert found.details["GPU"]["algo-2"]["p50"] == 30.0
    assert found.details["GPU memory"]["algo-2"]["p50"] == 20.0
    assert found.details["I/O"]["algo-1"]["p50"] == 2.0
    assert found.details["Network"]["algo-2"]["min"] == 1500.0
    assert (found.triggered, found.finding, found.unjudged) == (0, None, None)
    assert found.as_aws_json()["RuleParameters"] == "scan_interval_us:60000000"
