"""The space that a tuning job searches: ParameterRanges as Optuna's distributions, and values as AWS writes them.

Optuna is imported at first use: it costs half a second.
"""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

Ranges = Mapping[str, Sequence[Mapping[str, Any]]]  # ParameterRanges' members
Values = dict[str, str]

KINDS = ("IntegerParameterRanges", "ContinuousParameterRanges", "CategoricalParameterRanges")
LOGARITHMIC_FROM = 100  # Auto takes the logarithmic scale for a range of two orders of magnitude or more


def names(ranges: Ranges) -> list[str]:
    """The tuned hyperparameters."""
    return [entry["Name"] for kind in KINDS for entry in ranges.get(kind) or ()]


def kinds(ranges: Ranges) -> dict[str, str]:
    """The kind of range of each tuned hyperparameter."""
    return {entry["Name"]: kind for kind in KINDS for entry in ranges.get(kind) or ()}


def combinations(ranges: Ranges) -> int | None:
    """How many there are; None with a continuous range."""
    if ranges.get("ContinuousParameterRanges"):
        return None
    return math.prod(len(values) for values in _choices(ranges).values())


def all_values(ranges: Ranges) -> Iterator[Values]:
    """Every combination, the last hyperparameter changing fastest. Only without continuous ranges."""
    choices = _choices(ranges)
    for combination in itertools.product(*choices.values()):
        yield dict(zip(choices, map(str, combination), strict=True))


def nth_values(ranges: Ranges, index: int) -> Values:
    """The combination that `all_values` gives at `index`, without those before it."""
    found: Values = {}
    for name, values in reversed(_choices(ranges).items()):
        index, digit = divmod(index, len(values))
        found[name] = str(values[digit])
    return found


def distributions(ranges: Ranges) -> dict[str, Any]:
    """Optuna's distribution of each hyperparameter."""
    import optuna.distributions as optuna  # noqa: PLC0415

    found: dict[str, Any] = {}
    for entry in ranges.get("IntegerParameterRanges") or ():
        low, high = int(entry["MinValue"]), int(entry["MaxValue"])
        found[entry["Name"]] = optuna.IntDistribution(low, high, log=_is_log(entry))
    for entry in ranges.get("ContinuousParameterRanges") or ():
        ends = _searched(entry, float(entry["MinValue"])), _searched(entry, float(entry["MaxValue"]))
        found[entry["Name"]] = optuna.FloatDistribution(min(ends), max(ends), log=_is_log(entry))
    for entry in ranges.get("CategoricalParameterRanges") or ():
        found[entry["Name"]] = optuna.CategoricalDistribution(tuple(entry["Values"]))
    return found


def read(values: Mapping[str, str], ranges: Ranges) -> dict[str, Any]:
    """The values as they are searched. Raises KeyError for one that is missing, ValueError for one out of range."""
    found: dict[str, Any] = {}
    for entry in ranges.get("IntegerParameterRanges") or ():
        found[entry["Name"]] = _within(entry, int(values[entry["Name"]]))
    for entry in ranges.get("ContinuousParameterRanges") or ():
        found[entry["Name"]] = _searched(entry, _within(entry, float(values[entry["Name"]])))
    for entry in ranges.get("CategoricalParameterRanges") or ():
        if values[entry["Name"]] not in entry["Values"]:
            raise ValueError(f"{values[entry['Name']]!r} is none of the values of {entry['Name']}")
        found[entry["Name"]] = values[entry["Name"]]
    return found


def written(params: Mapping[str, Any], ranges: Ranges) -> Values:
    """The values as AWS writes them: decimals without exponents, categories as they were given."""
    found: Values = {}
    for entry in ranges.get("IntegerParameterRanges") or ():
        found[entry["Name"]] = str(params[entry["Name"]])
    for entry in ranges.get("ContinuousParameterRanges") or ():
        low, high = float(entry["MinValue"]), float(entry["MaxValue"])
        value = min(max(_searched(entry, params[entry["Name"]]), low), high)
        found[entry["Name"]] = format(Decimal(repr(value)), "f")
    for entry in ranges.get("CategoricalParameterRanges") or ():
        found[entry["Name"]] = params[entry["Name"]]
    return found


def _choices(ranges: Ranges) -> dict[str, Sequence[Any]]:
    choices: dict[str, Sequence[Any]] = {}
    for entry in ranges.get("IntegerParameterRanges") or ():
        choices[entry["Name"]] = range(int(entry["MinValue"]), int(entry["MaxValue"]) + 1)
    for entry in ranges.get("CategoricalParameterRanges") or ():
        choices[entry["Name"]] = entry["Values"]
    return choices


def _is_log(entry: Mapping[str, Any]) -> bool:
    scaling = entry.get("ScalingType") or "Auto"
    low, high = float(entry["MinValue"]), float(entry["MaxValue"])
    if scaling == "Auto":
        return low > 0 and high / low >= LOGARITHMIC_FROM
    return scaling in {"Logarithmic", "ReverseLogarithmic"}


def _searched(entry: Mapping[str, Any], value: float) -> float:
    """The value as it is searched: ReverseLogarithmic is logarithmic in the distance from 1."""
    return 1.0 - value if entry.get("ScalingType") == "ReverseLogarithmic" else value


def _within(entry: Mapping[str, Any], value: Any) -> Any:
    if not type(value)(entry["MinValue"]) <= value <= type(value)(entry["MaxValue"]):
        raise ValueError(f"{value} is outside the range of {entry['Name']}")
    return value
