from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from diagnostics.report.tuning_insight import insights, rank_correlation
from diagnostics.report.tuning_report import Range, Trial, TuningReport
from tests.unit.diagnostics.report import examples

PAIRS = st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)), min_size=3, max_size=30)


@given(PAIRS)
def test_the_rank_correlation_is_scipys(pairs: list[tuple[int, int]]) -> None:
    first, second = [float(a) for a, _ in pairs], [float(b) for _, b in pairs]
    ours = rank_correlation(first, second)
    if len(set(first)) == 1 or len(set(second)) == 1:
        assert ours is None
    else:
        assert ours == pytest.approx(stats.spearmanr(first, second).statistic)


def tuned(values: list[float], objectives: list[float], **others: object) -> TuningReport:
    made = [
        Trial(f"t{n}", n + 1, "Completed", {"lr": repr(value)}, objective)
        for n, (value, objective) in enumerate(zip(values, objectives, strict=True))
    ]
    ranges = {"lr": Range("Logarithmic", 0.001, 0.1)}
    return examples.tuning(trials=made, ranges=ranges, **others)


RATES = list(np.geomspace(0.0011, 0.09, 8).tolist())


def test_a_clear_relation_is_a_hint_with_n() -> None:
    said = " ".join(insights(tuned(RATES, [8, 7, 6, 5, 4, 3, 2, 1.0])))
    assert "lr: larger values did better (rank correlation -1.00 with the objective, n = 8)" in said
    assert "no proof" in said
    up = " ".join(insights(tuned(RATES, [1, 2, 3, 4, 5, 6, 7, 8.0], objective_type="Maximize")))
    assert "lr: larger values did better (rank correlation +1.00" in up


def test_chance_is_called_so() -> None:
    said = " ".join(insights(tuned(RATES, [4, 1, 8, 2, 7, 3, 6, 5.0])))
    assert "lr: no clear relation to the objective" in said


def test_few_trials_say_nothing_of_hyperparameters() -> None:
    said = " ".join(insights(tuned(RATES[:4], [4, 3, 2, 1.0])))
    assert "With 4 complete trials nothing can be said" in said
    assert "rank correlation" not in said


def test_a_best_value_at_the_edge_widens_the_range() -> None:
    said = insights(tuned([0.0985, 0.05, 0.02, 0.01, 0.005], [1, 2, 3, 4, 5.0]))
    assert "The best value of lr, 0.0985, lies at the upper edge of its range (0.1): widen the range there." in said
    inside = " ".join(insights(tuned([0.0985, 0.05, 0.02, 0.01, 0.005], [2, 1, 3, 4, 5.0])))
    assert "edge" not in inside
    low = " ".join(insights(tuned([0.00101, 0.05, 0.02], [1, 2, 3.0])))
    assert "lower edge of its range (0.001)" in low


def test_categories_are_compared_by_their_medians() -> None:
    made = [
        Trial(f"t{n}", n + 1, "Completed", {"batch-size": "32" if n % 2 else "64"}, float(n % 2) + n / 100)
        for n in range(6)
    ]
    report = examples.tuning(trials=made, ranges={"batch-size": Range("Categorical")})
    said = " ".join(insights(report))
    assert "batch-size: median objective 0.02 with 64 (n = 3) and 1.03 with 32 (n = 3). Too few of each" in said


def test_failed_and_stopped_trials_are_counted_and_not_compared() -> None:
    said = " ".join(insights(examples.tuning()))
    assert "1 trial stopped early" in said
    assert "Trial 5 failed" in said
    assert "the median of 9 complete trials" in said


def test_nothing_to_compare() -> None:
    report = examples.tuning(trials=[Trial("t", 1, "InProgress", {"lr": "0.1"})])
    assert insights(report) == ["No trial has run to its end with an objective: there is nothing to compare yet."]


def test_the_best_is_a_complete_trial_where_there_is_one() -> None:
    early = Trial("early", 1, "Stopped", {}, 0.1, early_stopped=True)
    whole = Trial("whole", 2, "Completed", {}, 0.5)
    report = examples.tuning(trials=[early, whole])
    assert report.best == whole
    assert replace(report, trials=[early]).best == early
    assert replace(report, trials=[replace(whole, objective=float("nan"))]).best is None
    assert replace(report, objective_type="Maximize", trials=[whole, replace(whole, number=3)]).best == whole
