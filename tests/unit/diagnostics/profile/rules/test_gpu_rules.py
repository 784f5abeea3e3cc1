"""Rules about GPUs: one profile that fires, and one at the threshold that does not."""

import math

import numpy as np
import pytest

from diagnostics.profile.rules.catalogue import evaluate
from diagnostics.profile.rules.load_balancing import js_distance
from tests.unit.diagnostics.profile.rules.judging import fired, judged, quiet, unjudged
from tests.unit.diagnostics.profiles import node, profile

GPU = "ml.g4dn.xlarge"


def test_low_gpu_utilization_fires_below_the_threshold() -> None:
    what = fired("LowGPUUtilization", profile(gpu=[69.9], instance=GPU))
    assert "gpu0 of algo-1" in what
    assert "at most 69.9 %; 70 % is the threshold" in what
    assert quiet("LowGPUUtilization", profile(gpu=[70.0], instance=GPU))


def test_low_gpu_utilization_fires_for_ups_and_downs() -> None:
    up_and_down = [90.0] * 90 + [9.9] * 10
    what = fired("LowGPUUtilization", profile(gpu=[np.tile(up_and_down, 5)], instance=GPU))
    assert "goes up and down, between 9.9 % (5th percentile) and 90 % (95th)" in what
    assert quiet("LowGPUUtilization", profile(gpu=[np.tile([90.0] * 90 + [10.0] * 10, 5)], instance=GPU))


def test_low_gpu_utilization_looks_at_windows() -> None:
    half = [20.0] * 500 + [95.0] * 500
    found = judged("LowGPUUtilization", profile(gpu=[half], instance=GPU), patience=0, window=500)
    assert (found.triggered, found.violations, found.datapoints) == (1, 1, 1000)
    assert found.weight == pytest.approx(0.4)  # 80 % idle, half of the time
    assert quiet("LowGPUUtilization", profile(gpu=[half], instance=GPU), patience=500, window=500)


def test_low_gpu_utilization_names_the_worst_of_several() -> None:
    nodes = {"algo-1": node(gpu=[90.0, 50.0]), "algo-2": node(gpu=[90.0, 30.0])}
    what = fired("LowGPUUtilization", profile(nodes=nodes, instance="ml.p3.8xlarge"))
    assert what.startswith("gpu1 of algo-2")
    assert "the worst of 2 GPUs" in what


def test_start_up_is_skipped_in_seconds_unless_patience_counts_samples() -> None:
    start_up = [0.0] * 20 + [95.0] * 40  # 10 s of 30 s at 500 ms
    assert quiet("LowGPUUtilization", profile(gpu=[start_up], instance=GPU))
    fired("LowGPUUtilization", profile(gpu=[start_up], instance=GPU), patience_seconds=5)
    fired("LowGPUUtilization", profile(gpu=[start_up], instance=GPU), patience=10)
    reason = unjudged("LowGPUUtilization", profile(gpu=[start_up], instance=GPU), patience=1000)
    assert "After the first 1000 samples (patience)" in reason
    assert "10 seconds (patience_seconds)" in unjudged("LowGPUUtilization", profile(gpu=[[0.0] * 20], instance=GPU))


def some(high: float, low: float, count: int) -> list[float]:
    """So many high samples of a hundred."""
    return [high] * count + [low] * (100 - count)


def test_cpu_bottleneck_fires_above_half_of_the_snapshots() -> None:
    gpu = [some(9.9, 80.0, 51)]
    full = profile(cpu=[some(90.1, 1.0, 51), [1.0] * 100], gpu=gpu, instance=GPU)
    what = fired("CPUBottleneck", full, patience=0)
    assert "a core was above 90 % while a GPU was below 10 % in 51.0 % of the snapshots; 50 % is the threshold" in what
    found = judged("CPUBottleneck", full, patience=0)
    assert (found.triggered, found.violations, found.datapoints, found.weight) == (1, 51, 100, 0.51)


@pytest.mark.parametrize(
    ("cpu", "gpu"),
    [
        (some(90.1, 1.0, 50), some(9.9, 80.0, 51)),  # half, not more
        (some(90.0, 1.0, 100), some(9.9, 80.0, 100)),  # at the threshold, not above
        (some(90.1, 1.0, 100), some(10.0, 80.0, 100)),
    ],
)
def test_cpu_bottleneck_does_not_fire_at_its_thresholds(cpu: list[float], gpu: list[float]) -> None:
    near = profile(cpu=[cpu, [1.0] * 100], gpu=[gpu], instance=GPU)
    assert judged("CPUBottleneck", near, patience=0).triggered == 0


def test_io_bottleneck() -> None:
    gpu = [some(9.9, 80.0, 100)]
    what = fired("IOBottleneck", profile(io_wait=[some(50.1, 0.0, 51)], gpu=gpu, instance=GPU), patience=0)
    assert "more than 50 % of its time" in what
    near = profile(io_wait=[some(50.1, 0.0, 50)], gpu=gpu, instance=GPU)
    assert judged("IOBottleneck", near, patience=0).triggered == 0
    assert quiet("IOBottleneck", profile(io_wait=50.0, gpu=gpu, instance=GPU), patience=0)


def test_gpus_that_are_read_a_moment_later_are_compared_with_the_nearest_sample() -> None:
    late = profile(cpu=[[95.0] * 100], gpu=[[0.0] * 100], instance=GPU)
    gpu = late.nodes["algo-1"].gpu["gpu0"]
    gpu.times[:] += 0.004
    found = judged("CPUBottleneck", late, patience=0)
    assert (found.violations, found.datapoints) == (100, 100)


def test_batch_size_fires_when_nothing_is_used_much() -> None:
    what = fired("BatchSize", profile(cpu=69.0, gpu=[68.0], gpu_memory=[69.5], instance=GPU))
    assert "the CPU was at most 69.0 % busy, gpu0 of algo-1 68.0 % and its memory 69.5 % full" in what
    found = judged("BatchSize", profile(cpu=10.0, gpu=[20.0], gpu_memory=[30.0], instance=GPU))
    assert found.weight == pytest.approx(0.8)


@pytest.mark.parametrize("at", [(70.0, 1.0, 1.0), (1.0, 70.0, 1.0), (1.0, 1.0, 70.0)])
def test_batch_size_does_not_fire_when_one_of_them_is(at: tuple[float, float, float]) -> None:
    cpu, gpu, memory = at
    assert quiet("BatchSize", profile(cpu=cpu, gpu=[gpu], gpu_memory=[memory], instance=GPU))


def test_batch_size_needs_all_three() -> None:
    assert "GPU memory and CPU are all needed" in unjudged(
        "BatchSize", profile(gpu=[5.0], gpu_memory=[[math.nan] * 120], instance=GPU)
    )


def test_gpu_memory_increase_compares_windows() -> None:
    grows = [40.0] * 20 + [45.1] * 20
    what = fired("GPUMemoryIncrease", profile(gpu=[50.0], gpu_memory=[grows], instance=GPU), patience=0)
    assert "grew by 5.1 points from one window of 10 samples to the next; 5 is the threshold" in what
    near = [40.0] * 20 + [45.0] * 20
    assert quiet("GPUMemoryIncrease", profile(gpu=[50.0], gpu_memory=[near], instance=GPU), patience=0)
    assert "Two windows of 10 samples" in unjudged(
        "GPUMemoryIncrease", profile(gpu=[50.0], gpu_memory=[grows[:19]], instance=GPU), patience=0
    )


def test_load_balancing_compares_histograms() -> None:
    same = np.random.default_rng(0).uniform(70, 72, 200)
    other = np.where(np.arange(200) < 160, 71.0, 20.0)
    what = fired("LoadBalancing", profile(gpu=[same, other], instance="ml.g4dn.12xlarge"), patience=0)
    assert "gpu0 and gpu1 of algo-1" in what
    distance = js_distance(same, other)
    assert 0.2 < distance < 0.3
    assert quiet("LoadBalancing", profile(gpu=[same, other], instance=GPU), patience=0, threshold=distance)
    fired("LoadBalancing", profile(gpu=[same, other], instance=GPU), patience=0, threshold=distance - 1e-3)
    assert "Fewer than two GPUs" in unjudged("LoadBalancing", profile(gpu=[50.0], instance=GPU))


def test_the_distance_of_histograms() -> None:
    one, other = np.full(50, 10.0), np.full(70, 90.0)
    assert js_distance(one, one) == 0
    assert js_distance(one, other) == pytest.approx(math.sqrt(math.log(2)))
    p, q = np.array([10.0] * 3 + [90.0]), np.array([10.0] + [90.0] * 3)
    kl = 0.75 * math.log(0.75 / 0.5) + 0.25 * math.log(0.25 / 0.5)
    assert js_distance(p, q) == pytest.approx(math.sqrt(kl))


def test_idle_gpu_is_called_out_in_words() -> None:
    what = fired("IdleGPU", profile(cpu=10.0, gpu=[4.9, 0.0], instance="ml.p3.8xlarge", cores=32))
    assert what == (
        "algo-1 trained on its CPU, 10.0 % of the vCPUs on the mean, while 95 % of the time the busiest of its 2 GPUs "
        "was at most 4.9 % busy; 5 % is the threshold."
    )
    assert quiet("IdleGPU", profile(cpu=10.0, gpu=[5.0, 0.0], instance="ml.p3.8xlarge", cores=32))
    assert quiet("IdleGPU", profile(cpu=9.9, gpu=[0.0, 0.0], instance="ml.p3.8xlarge", cores=32))


GPU_RULES = [
    "LowGPUUtilization",
    "CPUBottleneck",
    "IOBottleneck",
    "BatchSize",
    "GPUMemoryIncrease",
    "LoadBalancing",
    "IdleGPU",
]


@pytest.mark.parametrize("rule", GPU_RULES)
def test_without_a_gpu_the_reason_is_told(rule: str) -> None:
    assert "ml.m5.xlarge has no GPU" in unjudged(rule, profile())
    assert "although ml.p3.8xlarge has 4 V100" in unjudged(rule, profile(instance="ml.p3.8xlarge"))
    assert "No system metrics were found" in unjudged(rule, profile(nodes={}))
    assert evaluate(rule, profile(instance="ml.unknown.xlarge"), {}).unjudged
