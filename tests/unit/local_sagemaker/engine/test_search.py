"""The search: reproducible, within its ranges, and better than chance."""

import math
from statistics import median
from typing import Any

import pytest

from local_sagemaker.engine.tuning.search import Trial, suggest
from local_sagemaker.engine.tuning.search_space import all_values, combinations, nth_values

RANGES: dict[str, list[dict[str, Any]]] = {
    "ContinuousParameterRanges": [
        {"Name": "lr", "MinValue": "0.0001", "MaxValue": "0.1", "ScalingType": "Logarithmic"},
        {"Name": "momentum", "MinValue": "0.9", "MaxValue": "0.999", "ScalingType": "ReverseLogarithmic"},
        {"Name": "decay", "MinValue": "0", "MaxValue": "1", "ScalingType": "Auto"},
    ],
    "IntegerParameterRanges": [{"Name": "epochs", "MinValue": "1", "MaxValue": "9", "ScalingType": "Linear"}],
    "CategoricalParameterRanges": [{"Name": "batch-size", "Values": ['"32"', '"64"']}],
}


@pytest.mark.parametrize("strategy", ["Bayesian", "Random"])
def test_values_are_written_as_aws_writes_them(strategy: str) -> None:
    history: list[Trial] = []
    for number in range(12):
        values = suggest(RANGES, history, strategy=strategy, maximize=False, seed=5, index=number)
        assert 0.0001 <= float(values["lr"]) <= 0.1
        assert 0.9 <= float(values["momentum"]) <= 0.999
        assert 0 <= float(values["decay"]) <= 1
        assert "e" not in values["lr"] + values["decay"]  # decimals, no exponents
        assert 1 <= int(values["epochs"]) <= 9
        assert values["batch-size"] in {'"32"', '"64"'}
        # Every kind of ending: a value, a failure, still running.
        history.append(Trial(values, None if number % 3 else float(values["lr"]), ended=number % 3 != 2))


def drawn(index: int, seed: int, *history: Trial, strategy: str = "Random") -> dict[str, str]:
    return suggest(RANGES, history, strategy=strategy, maximize=False, seed=seed, index=index)


def test_the_same_seed_gives_the_same_values_and_another_others() -> None:
    first = drawn(0, 1)
    assert drawn(0, 1) == first
    assert drawn(0, 1, strategy="Hyperband") == first
    # Neighbouring seeds share nothing, not even one shifted by one.
    assert first not in [drawn(index, 2) for index in range(3)]
    assert drawn(1, 1) not in [drawn(index, 2) for index in range(3)]


def test_random_values_do_not_depend_on_results() -> None:
    values = drawn(0, 1)
    running = drawn(1, 1, Trial(values, None, ended=False))
    ended = drawn(1, 1, Trial(values, 3.0, ended=True))
    assert running == ended != values


def test_bayesian_values_follow_from_the_history() -> None:
    history = [Trial(drawn(index, 1), float(index), ended=True) for index in range(8)]
    assert drawn(8, 1, *history, strategy="Bayesian") == drawn(8, 1, *history, strategy="Bayesian")
    other = [*history[:-1], Trial(history[-1].values, -9.0, ended=True)]
    assert drawn(8, 1, *history, strategy="Bayesian") != drawn(8, 1, *other, strategy="Bayesian")


DISCRETE: dict[str, list[dict[str, Any]]] = {
    "IntegerParameterRanges": [{"Name": "layers", "MinValue": "1", "MaxValue": "3"}],
    "CategoricalParameterRanges": [{"Name": "batch-size", "Values": ["32", "64"]}],
}


def test_a_grid_goes_through_all_combinations() -> None:
    grid = {"CategoricalParameterRanges": [{"Name": "a", "Values": ["x", "y"]}, {"Name": "b", "Values": ["1", "2"]}]}
    tried = [suggest(grid, [], strategy="Grid", maximize=False, seed=1, index=index) for index in range(4)]
    assert tried == list(all_values(grid))
    assert [values["a"] + values["b"] for values in tried] == ["x1", "x2", "y1", "y2"]
    assert combinations(DISCRETE) == 6
    assert [nth_values(DISCRETE, index) for index in range(6)] == list(all_values(DISCRETE))
    assert combinations(RANGES) is None


@pytest.mark.parametrize("strategy", ["Bayesian", "Random"])
def test_no_combination_is_tried_twice(strategy: str) -> None:
    history: list[Trial] = []
    for index in range(6):
        values = suggest(DISCRETE, history, strategy=strategy, maximize=False, seed=3, index=index)
        history.append(Trial(values, float(values["layers"]), ended=True))
    assert len({str(sorted(trial.values.items())) for trial in history}) == 6
    # All are tried: it repeats one rather than to fail.
    assert suggest(DISCRETE, history, strategy=strategy, maximize=False, seed=3, index=6) in list(all_values(DISCRETE))


def test_what_parents_tried_may_be_tried_again_but_is_learned_from() -> None:
    ranges = {"ContinuousParameterRanges": [{"Name": "lr", "MinValue": "0", "MaxValue": "1", "ScalingType": "Linear"}]}
    parents = [Trial({"lr": str(step / 40)}, abs(step / 40 - 0.3), ended=True, own=False) for step in range(41)]
    asked = [suggest(ranges, parents, strategy="Bayesian", maximize=False, seed=seed, index=0) for seed in range(7)]
    assert median(abs(float(values["lr"]) - 0.3) for values in asked) < 0.1  # chance: about 0.29


def test_bayesian_closes_in_on_the_optimum() -> None:
    ranges = {
        "ContinuousParameterRanges": [{"Name": "lr", "MinValue": "0.0001", "MaxValue": "1", "ScalingType": "Auto"}]
    }

    def distance(values: dict[str, str]) -> float:
        return abs(math.log10(float(values["lr"])) + 2)

    for maximize in (False, True):
        late: list[float] = []
        for seed in range(5):
            history: list[Trial] = []
            for index in range(20):
                values = suggest(ranges, history, strategy="Bayesian", maximize=maximize, seed=100 * seed, index=index)
                history.append(Trial(values, -distance(values) if maximize else distance(values), ended=True))
            late += [distance(dict(trial.values)) for trial in history[-10:]]
        assert median(late) < 0.7, late  # chance: 1.0, the range being two decades on each side
