"""The search: reproducible, within its ranges, and better than chance."""

import math
from statistics import median
from typing import Any

import pytest

from local_sagemaker.engine.search import Trial, suggest

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
        values = suggest(RANGES, history, strategy=strategy, maximize=False, seed=5)
        assert 0.0001 <= float(values["lr"]) <= 0.1
        assert 0.9 <= float(values["momentum"]) <= 0.999
        assert 0 <= float(values["decay"]) <= 1
        assert "e" not in values["lr"] + values["decay"]  # decimals, no exponents
        assert 1 <= int(values["epochs"]) <= 9
        assert values["batch-size"] in {'"32"', '"64"'}
        # Every kind of ending: a value, a failure, still running.
        history.append(Trial(values, None if number % 3 else float(values["lr"]), ended=number % 3 != 2))


def test_the_same_seed_gives_the_same_values_and_another_others() -> None:
    first = suggest(RANGES, [], strategy="Random", maximize=False, seed=1)
    assert suggest(RANGES, [], strategy="Random", maximize=False, seed=1) == first
    assert suggest(RANGES, [], strategy="Random", maximize=False, seed=2) != first


def test_random_values_do_not_depend_on_results() -> None:
    values = suggest(RANGES, [], strategy="Random", maximize=False, seed=1)
    running = suggest(RANGES, [Trial(values, None, ended=False)], strategy="Random", maximize=False, seed=1)
    ended = suggest(RANGES, [Trial(values, 3.0, ended=True)], strategy="Random", maximize=False, seed=1)
    assert running == ended != values


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
            for _ in range(20):
                values = suggest(ranges, history, strategy="Bayesian", maximize=maximize, seed=100 * seed)
                history.append(Trial(values, -distance(values) if maximize else distance(values), ended=True))
            late += [distance(dict(trial.values)) for trial in history[-10:]]
        assert median(late) < 0.7, late  # chance: 1.0, the range being two decades on each side
