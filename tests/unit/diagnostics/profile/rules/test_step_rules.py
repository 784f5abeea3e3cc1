"""Rules about steps, waits and loader workers."""

import numpy as np
import pytest

from diagnostics.profile.profile import Spans
from diagnostics.profile.rules.catalogue import evaluate
from diagnostics.profile.rules.dataloader import median_concurrency
from tests.unit.diagnostics.profile.rules.judging import fired, judged, quiet, unjudged
from tests.unit.diagnostics.profiles import START, profile, steps


def with_outliers(count: int) -> list[float]:
    return [0.1] * 989 + [5.0] * count


def test_step_outliers_fire_beyond_ten() -> None:
    what = fired("StepOutlier", profile(timeline=[steps(with_outliers(11))]))
    assert "11 of 1000 TRAIN steps on algo-1 took longer than" in what
    assert "the longest took 5.000 s, and 10 are allowed" in what
    assert quiet("StepOutlier", profile(timeline=[steps(with_outliers(10))]))
    fired("StepOutlier", profile(timeline=[steps(with_outliers(10))]), n_outliers=9)


def test_step_outliers_need_more_than_a_hundred_steps() -> None:
    assert "the job has 100 so far" in unjudged("StepOutlier", profile(timeline=[steps([0.1] * 100)]))
    assert quiet("StepOutlier", profile(timeline=[steps([0.1] * 101)]))


def test_step_outliers_of_a_mode() -> None:
    both = profile(timeline=[steps(with_outliers(11), mode="EVAL"), steps([0.1] * 200)])
    assert "EVAL" in fired("StepOutlier", both)
    assert quiet("StepOutlier", both, mode="ModeKeys.TRAIN")
    assert "11 of 1000 EVAL steps" in fired("StepOutlier", both, mode="eval")


@pytest.mark.parametrize(("minutes", "fires"), [(20.1, True), (20.0, False)])
def test_initialisation_of_twenty_minutes(minutes: float, fires: bool) -> None:
    late = profile(seconds=1500, interval=10, timeline=[steps([1.0] * 5, start=START + 60 * minutes)])
    if fires:
        assert "The first step began 20.1 minutes" in fired("MaxInitializationTime", late)
        assert judged("MaxInitializationTime", late).weight == pytest.approx(1206 / 1490, abs=0.001)
    else:
        assert quiet("MaxInitializationTime", late)


def test_no_step_yet_fires_for_a_script_that_writes_a_timeline() -> None:
    loading = Spans("algo-1", "DataLoaderIterInitialize", np.array([START]), np.array([1.0]))
    waiting = profile(seconds=1300, interval=10, spans=[loading])
    assert "No step has begun" in fired("MaxInitializationTime", waiting)
    assert "no step times" in unjudged("MaxInitializationTime", profile(seconds=1300, interval=10))


def workers(count: int, seconds: float = 100) -> Spans:
    return Spans(
        "algo-1", "DataLoaderWorker", START + 0.01 * np.arange(count, dtype=np.float64), np.full(count, seconds)
    )


def test_loader_workers_for_the_cores() -> None:
    assert "2 loader workers ran at a time on algo-1, 50 % of its 4 cores; 70 % is the least" in fired(
        "Dataloader", profile(spans=[workers(2)])
    )
    assert "9 loader workers ran at a time on algo-1, 225 % of its 4 cores; 200 % is the most" in fired(
        "Dataloader", profile(spans=[workers(9)])
    )
    assert quiet("Dataloader", profile(spans=[workers(3)]))
    assert quiet("Dataloader", profile(spans=[workers(8)]))
    assert quiet("Dataloader", profile(spans=[workers(2)]), min_threshold=50)
    assert "DataLoaderStarvation" in unjudged("Dataloader", profile())
    assert unjudged("Dataloader", profile(spans=[workers(2)]), patience=3)


def test_concurrency_is_counted_while_any_runs() -> None:
    starts, durations = np.array([0.0, 0.0, 100.0, 100.0, 100.0]), np.array([10.0, 10.0, 30.0, 30.0, 30.0])
    assert median_concurrency(Spans("algo-1", "DataLoaderWorker", starts, durations)) == 3


def test_starvation_is_the_share_of_waiting() -> None:
    what = fired("DataLoaderStarvation", profile(timeline=[steps([0.4] * 21, [9.0] + [0.11] * 20)]))
    assert "21.6 % of the time of 20 training steps on algo-1 went into waiting" in what  # the first wait is start-up
    assert quiet("DataLoaderStarvation", profile(timeline=[steps([0.5] * 21, [9.0] + [0.125] * 20)]))
    assert "At least 10" in unjudged("DataLoaderStarvation", profile(timeline=[steps([0.4] * 10, [0.4] * 10)]))
    assert "no waits for batches" in unjudged("DataLoaderStarvation", profile(timeline=[steps([0.4] * 21)]))
    assert "no step times" in unjudged("DataLoaderStarvation", profile())


def test_validation_does_not_count_as_training() -> None:
    validation = steps([0.1] * 30, [0.5] * 30, mode="EVAL")
    assert "no step times" in unjudged("DataLoaderStarvation", profile(timeline=[validation]))
    assert quiet("DataLoaderStarvation", profile(timeline=[validation, steps([0.4] * 21, [0.01] * 21)]))


def test_overall_framework_metrics() -> None:
    timeline = [steps([2.0] * 10, [0.5] * 10), steps([1.0] * 5, mode="EVAL", start=START + 30)]
    spans = [Spans("algo-1", "Forward", np.array([START]), np.array([3.0]))]
    found = evaluate("OverallFrameworkMetrics", profile(seconds=50.5, timeline=timeline, spans=spans), {})
    assert found.details["phase"] == {"TRAIN": 40.0, "EVAL": 10.0, "loader": 10.0, "others": 40.0}
    assert found.details["phase_time"] == {"TRAIN": 20.0, "EVAL": 5.0, "loader": 5.0, "others": 20.0}
    assert found.details["ratio"] == {"TRAIN/EVAL": 4.0}
    assert found.details["steps"]["TRAIN"] == {"count": 10, "mean": 2.0, "p50": 2.0, "p95": 2.0, "max": 2.0}
    assert found.details["spans"] == {"Forward": 3.0}
    assert (found.triggered, found.datapoints) == (0, 15)
    assert "no step times" in unjudged("OverallFrameworkMetrics", profile())
