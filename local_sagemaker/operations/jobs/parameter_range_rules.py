"""What AWS refuses in ParameterRanges, or a definition's HyperParameterRanges."""

import math
from collections.abc import Callable, Mapping
from typing import Any

from local_sagemaker.engine.tuning import search_space
from local_sagemaker.engine.tuning.search_space import Ranges
from local_sagemaker.errors import ValidationException
from local_sagemaker.operations.coverage import Structure
from local_sagemaker.operations.request_values import refuse_twice

MAX_HYPERPARAMETERS = 30
MAX_VALUES = 30
MAX_INTEGER = 2**53  # beyond it neighbours are one floating point number
MAX_VALUE_CHARACTERS = 256

RANGES = Structure(
    "ParameterRanges",
    honoured=search_space.KINDS,
    refused={"AutoParameters": "Autotune is not there; give the ranges themselves"},
)


def check_ranges(ranges: Ranges, static: Mapping[str, str], where: str) -> None:
    """Raise ValidationException for ranges that cannot be searched. `where` names the member."""
    RANGES.check(ranges, f"{where}.")
    names = search_space.names(ranges)
    if not names:
        raise ValidationException(f"{where} must have at least one hyperparameter.")
    if len(names) > MAX_HYPERPARAMETERS:
        raise ValidationException(f"{where} takes at most {MAX_HYPERPARAMETERS} hyperparameters, not {len(names)}.")
    refuse_twice("hyperparameter", names)
    both = sorted(set(names) & set(static))
    if both:
        raise ValidationException(
            f"Hyperparameters can be either static or tuned, not both: {', '.join(both)} in StaticHyperParameters and"
            f" {where}."
        )
    for entry in ranges.get("IntegerParameterRanges") or ():
        _check_numeric(entry, integer=True)
    for entry in ranges.get("ContinuousParameterRanges") or ():
        _check_numeric(entry, integer=False)
    for entry in ranges.get("CategoricalParameterRanges") or ():
        _check_categorical(entry)


def _check_numeric(entry: Mapping[str, Any], *, integer: bool) -> None:
    name = entry["Name"]
    number: Callable[[str], float] = int if integer else float
    try:
        low, high = number(entry["MinValue"]), number(entry["MaxValue"])
    except ValueError as error:
        what = "an integer" if integer else "a number"
        raise ValidationException(
            f"The range of {name!r} has a MinValue or MaxValue that is not {what}: {entry['MinValue']!r},"
            f" {entry['MaxValue']!r}."
        ) from error
    if integer and max(abs(low), abs(high)) > MAX_INTEGER:
        raise ValidationException(f"The range of {name!r} must lie within -{MAX_INTEGER} and {MAX_INTEGER}.")
    if not (math.isfinite(low) and math.isfinite(high)):
        raise ValidationException(f"The range of {name!r} must be finite.")
    if low >= high:
        raise ValidationException(
            f"The range of {name!r} must have a MinValue less than its MaxValue, not {entry['MinValue']} and"
            f" {entry['MaxValue']}; a hyperparameter with one value belongs to StaticHyperParameters."
        )
    scaling = entry.get("ScalingType") or "Auto"
    if scaling == "Logarithmic" and low <= 0:
        raise ValidationException(f"Logarithmic scaling of {name!r} needs a MinValue greater than 0.")
    if scaling == "ReverseLogarithmic":
        if integer:
            raise ValidationException(f"ReverseLogarithmic scaling of {name!r} is for continuous ranges only.")
        if low < 0 or high >= 1:
            raise ValidationException(f"ReverseLogarithmic scaling of {name!r} needs a range within 0 <= x < 1.")


def _check_categorical(entry: Mapping[str, Any]) -> None:
    name, values = entry["Name"], entry["Values"]
    if len(values) < 2:
        raise ValidationException(
            f"The range of {name!r} must have at least two values; one value belongs to StaticHyperParameters."
        )
    if len(values) > MAX_VALUES:
        raise ValidationException(f"The range of {name!r} takes at most {MAX_VALUES} values, not {len(values)}.")
    refuse_twice(f"value in the range of {name!r},", values)
    if any(len(value) > MAX_VALUE_CHARACTERS for value in values):
        raise ValidationException(f"A value of {name!r} takes at most {MAX_VALUE_CHARACTERS} characters.")
