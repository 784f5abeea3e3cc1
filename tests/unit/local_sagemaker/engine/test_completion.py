"""Completion criteria, by what the ended training jobs brought."""

import random

from local_sagemaker.engine.tuning.completion import CONVERGED_AFTER, Progress, progress
from local_sagemaker.store.tuning_children import Child


def ended(*objectives: float | None) -> list[Child]:
    """Completed training jobs that ended one after the other, at 1, 2, ... seconds."""
    return [
        Child(f"t-{number}", number, "Completed", objective, ended_at=float(number))
        for number, objective in enumerate(objectives, 1)
    ]


def after(*objectives: float | None, maximize: bool = False, **criteria: object) -> Progress:
    children = ended(*objectives)
    random.Random(1).shuffle(children)  # the order is that of their ends
    return progress(children, {"TuningJobCompletionCriteria": criteria}, maximize=maximize)


def test_an_improvement_of_one_percent_is_none() -> None:
    assert after().not_improving == 0
    assert after(1.0).not_improving == 0
    assert after(1.0, 0.991).not_improving == 1
    assert after(1.0, 0.98).not_improving == 0
    assert after(1.0, 0.995, 0.985).not_improving == 0  # against the best one that counted
    assert after(1.0, None, 1.5, 0.999).not_improving == 2  # without a value it was not evaluated
    assert after(-1.0, -0.98, maximize=True).not_improving == 0
    assert after(0.0, -0.001).not_improving == 0


def test_the_target_is_reached_once() -> None:
    assert not after(0.5, 0.21, TargetObjectiveMetricValue=0.2).completed
    assert after(0.5, 0.2, TargetObjectiveMetricValue=0.2).completed
    assert after(0.5, 0.1, 0.9, TargetObjectiveMetricValue=0.2).completed
    assert after(0.5, 0.9, maximize=True, TargetObjectiveMetricValue=0.9).completed
    assert not after(0.5, 0.8, maximize=True, TargetObjectiveMetricValue=0.9).completed


def test_patience_ends() -> None:
    patience = {"MaxNumberOfTrainingJobsNotImproving": 3}
    assert not after(0.5, 0.6, 0.6, BestObjectiveNotImproving=patience).completed
    assert after(0.5, 0.6, 0.6, 0.6, BestObjectiveNotImproving=patience).completed
    # Once met it stays met, whatever those still running bring.
    late = after(0.5, 0.6, 0.6, 0.6, 0.1, BestObjectiveNotImproving=patience)
    assert late == Progress(not_improving=0, converged_at=None, completed=True)


def test_convergence() -> None:
    flat = [0.5] * (CONVERGED_AFTER + 1)
    assert after(*flat[:-1]).converged_at is None
    assert after(*flat) == Progress(CONVERGED_AFTER, float(CONVERGED_AFTER + 1), completed=False)
    assert after(*flat, ConvergenceDetected={"CompleteOnConvergence": "Enabled"}).completed
    assert not after(*flat, ConvergenceDetected={"CompleteOnConvergence": "Disabled"}).completed
    # After a long way up it takes as long again.
    way_up = [float(number) for number in range(1, 21)]
    assert after(*way_up, *[20.0] * 19, maximize=True).converged_at is None
    assert after(*way_up, *[20.0] * 20, maximize=True).converged_at == 40.0
