"""What the training jobs of a tuning job amount to."""

from local_sagemaker.engine.tuning import results
from local_sagemaker.store.tuning_children import Child

CHILDREN = [
    Child("t-1", 1, "Completed", 0.5),
    Child("t-2", 2, "Failed", 0.1, failure_reason="AlgorithmError: x"),
    Child("t-3", 3, "Completed", 0.2),
    Child("t-4", 4, "Stopped", 0.2),
    Child("t-5", 5, "Completed"),
    Child("t-6", 6, "InProgress", 0.05),
    Child("t-7", 7, "Failed", failure_reason="InternalServerError: lost"),
]


def test_the_best_has_ended_well_and_came_first() -> None:
    lowest, highest = results.best(CHILDREN, maximize=False), results.best(CHILDREN, maximize=True)
    assert lowest is not None
    assert highest is not None
    assert (lowest.number, highest.number) == (3, 1)
    assert results.best([], maximize=True) is None
    zero = results.best([Child("a", 1, "Completed", 0.0), Child("b", 2, "Completed", -1.0)], maximize=True)
    assert zero is not None
    assert zero.name == "a"


def test_counters() -> None:
    assert results.objective_counters(CHILDREN) == {"Succeeded": 3, "Pending": 1, "Failed": 3}
    assert results.status_counters(CHILDREN) == {
        "Completed": 3,
        "InProgress": 1,
        "RetryableError": 1,
        "NonRetryableError": 1,
        "Stopped": 1,
    }
