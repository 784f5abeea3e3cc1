"""Metric definitions: regular expressions over the log."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from local_sagemaker.runtime import job_log

MAX_EVENTS = 20_000  # of one reading, so that one chatty job does not keep the others waiting


class BadMetricDefinition(ValueError):
    """The regular expression cannot be compiled."""


@dataclass(frozen=True)
class MetricValue:
    """A value in the log; `value` None is one that was nan or infinite."""

    name: str
    timestamp: float
    value: float | None


def check(definitions: Iterable[Mapping[str, str]]) -> None:
    """Raise BadMetricDefinition for the first `{"Name", "Regex"}` that cannot be used."""
    for definition in definitions:
        try:
            re.compile(definition["Regex"])
        except re.error as error:
            raise BadMetricDefinition(
                f"The regular expression {definition['Regex']!r} of metric {definition['Name']!r} is invalid: {error}"
            ) from error


def read(log: Path, offset: int, definitions: Sequence[Mapping[str, str]]) -> tuple[list[MetricValue], int]:
    """Values in the complete lines from `offset` on, and the offset behind the last one read."""
    compiled = _compile(tuple((definition["Name"], definition["Regex"]) for definition in definitions))
    found: list[MetricValue] = []
    for count, event in enumerate(job_log.events_from(log, offset)):
        if count == MAX_EVENTS:
            break
        offset = event.end
        for name, pattern in compiled:
            value = _value(pattern, event.message)
            if value is not None:
                finite = value if math.isfinite(value) else None
                found.append(MetricValue(name, event.timestamp_ms / 1000, finite))
    return found, offset


def _value(pattern: re.Pattern[str], line: str) -> float | None:
    match = pattern.search(line)
    if match is None:
        return None
    try:
        return float(match.group(1 if pattern.groups else 0))
    except (TypeError, ValueError):  # the group took no part, or matched something that is no number
        return None


@lru_cache(maxsize=256)
def _compile(definitions: tuple[tuple[str, str], ...]) -> list[tuple[str, re.Pattern[str]]]:
    return [(name, re.compile(regex)) for name, regex in definitions]
