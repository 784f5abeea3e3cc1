"""What parents tell."""

import json

import pytest

from local_sagemaker.engine.tuning import warm_start
from local_sagemaker.engine.tuning.search import Trial
from local_sagemaker.store.tuning_children import Child

RANGES = {
    "ContinuousParameterRanges": [{"Name": "lr", "MinValue": "0.01", "MaxValue": "0.1"}],
    "IntegerParameterRanges": [{"Name": "layers", "MinValue": "1", "MaxValue": "3"}],
}


def child(number: int, status: str, objective: float | None, **tuned: str) -> Child:
    return Child(f"p-{number}", number, status, objective, tuned=json.dumps(tuned))


def test_parents_speak_of_the_new_ranges() -> None:
    children = [
        child(1, "Completed", 0.5, lr="0.05", momentum="0.9"),
        child(2, "Completed", 0.4, lr="0.5", momentum="0.9"),  # outside
        child(3, "Failed", 0.3, lr="0.05", momentum="0.9"),
        child(4, "Stopped", 0.2, lr="0.06", momentum="0.9"),
    ]
    static = {"layers": "2", "epochs": "3"}  # layers is tuned now, momentum is static
    assert warm_start.trials_of_parent(children, static, RANGES) == [
        Trial({"lr": "0.05", "layers": "2"}, 0.5, ended=True, own=False),
        Trial({"lr": "0.06", "layers": "2"}, 0.2, ended=True, own=False),
    ]
    assert warm_start.trials_of_parent(children, {"layers": "many"}, RANGES) == []
    assert warm_start.trials_of_parent(children, {}, RANGES) == []


def test_transfer_compares_by_deviation() -> None:
    trials = [Trial({}, value, ended=True) for value in (10.0, 20.0, 30.0)]
    standardized = [trial.objective for trial in warm_start.standardized([*trials, Trial({}, None, ended=False)])]
    assert standardized == [pytest.approx(-1.2247, abs=1e-4), 0.0, pytest.approx(1.2247, abs=1e-4), None]
    assert [trial.objective for trial in warm_start.standardized(trials[:1])] == [0.0]
    assert warm_start.standardized([]) == []


def test_the_type_and_the_parents_are_read_from_the_request() -> None:
    parents = [{"HyperParameterTuningJobName": "a"}, {"HyperParameterTuningJobName": "b"}]
    config = {"ParentHyperParameterTuningJobs": parents, "WarmStartType": "IdenticalDataAndAlgorithm"}
    assert warm_start.parent_names({"WarmStartConfig": config}) == ["a", "b"]
    assert warm_start.is_identical({"WarmStartConfig": config})
    assert not warm_start.is_identical({})
    assert warm_start.parent_names({}) == []
