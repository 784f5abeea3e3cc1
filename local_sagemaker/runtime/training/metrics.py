"""Metric definitions: regular expressions over the log.

They are somebody's, so their time is bounded: a definition that takes too long is left out for the rest of the job, and
the job's log says so. Lines without the text that a definition needs are passed over without it, so that a log of a
million lines costs little more than reading it.
"""

import math
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import regex

from local_sagemaker.runtime import job_log
from local_sagemaker.runtime.training.required_text import required_text

CHUNK_BYTES = 2 * 1024 * 1024  # of one reading, so that one chatty job does not keep the others waiting
ALLOWANCE_SECONDS = 1.0  # of the processor, for one definition in one reading
LEFT_OUT = "metrics-left-out"  # beside the log: names, a line each


class BadMetricDefinition(ValueError):
    """The regular expression cannot be compiled."""


@dataclass(frozen=True)
class MetricValue:
    """A value in the log; `value` None is one that was nan or infinite."""

    name: str
    timestamp: float
    value: float | None


@dataclass(frozen=True)
class Metric:
    """A compiled definition. `needs` is in every line that matches; empty when that is not known."""

    name: str
    pattern: "regex.Pattern[str]"
    needs: str


def check(definitions: Iterable[Mapping[str, str]]) -> None:
    """Raise BadMetricDefinition for the first `{"Name", "Regex"}` that cannot be used."""
    for definition in definitions:
        try:
            regex.compile(definition["Regex"])
        except (regex.error, RecursionError) as error:
            raise BadMetricDefinition(
                f"The regular expression {definition['Regex']!r} of metric {definition['Name']!r} is invalid: {error}"
            ) from error


def read(log: Path, offset: int, definitions: Sequence[Mapping[str, str]]) -> tuple[list[MetricValue], int]:
    """Values in a chunk of complete lines from `offset` on, and the offset behind it; the same offset at the end.

    The values of one metric are in the order of their lines.
    """
    chunk = job_log.lines_from(log, offset, CHUNK_BYTES)
    if not chunk:
        return [], offset
    left_out = _left_out(log)
    text = chunk.decode("utf-8", "replace")
    found: list[MetricValue] = []
    for metric in _compile(tuple((definition["Name"], definition["Regex"]) for definition in definitions)):
        if metric.name in left_out:
            continue
        try:
            found += _values(metric, text)
        except TimeoutError:
            _leave_out(log, metric)
    return found, offset + len(chunk)


def _values(metric: Metric, text: str) -> list[MetricValue]:
    """Raises TimeoutError."""
    found = []
    deadline = time.thread_time() + ALLOWANCE_SECONDS
    for line in _lines(text, metric.needs):
        left = deadline - time.thread_time()
        if left <= 0:
            raise TimeoutError
        stamp, _, message = line.partition("\t")
        match = metric.pattern.search(message.rstrip("\r"), timeout=left)
        value = _value(match) if match is not None else None
        if value is not None:
            finite = value if math.isfinite(value) else None
            found.append(MetricValue(metric.name, int(stamp) / 1000 if stamp.isdigit() else 0.0, finite))
    return found


def _lines(text: str, needed: str) -> Iterator[str]:
    """The lines that hold `needed`."""
    if not needed:
        yield from text.split("\n")[:-1]
        return
    at = text.find(needed)
    while at >= 0:
        end = text.index("\n", at)
        yield text[text.rfind("\n", 0, at) + 1 : end]
        at = text.find(needed, end)


def _value(match: "regex.Match[str]") -> float | None:
    try:
        return float(match.group(1 if match.re.groups else 0))
    except (TypeError, ValueError):  # the group took no part, or matched something that is no number
        return None


def _left_out(log: Path) -> set[str]:
    try:
        return set(log.with_name(LEFT_OUT).read_text(encoding="utf-8").splitlines())
    except FileNotFoundError:
        return set()


def _leave_out(log: Path, metric: Metric) -> None:
    with log.with_name(LEFT_OUT).open("a", encoding="utf-8") as file:
        file.write(f"{metric.name}\n")
    # Without a digit, which other definitions might take for a value.
    note = "its regular expression takes too long on this log. Make it simpler: name the text around the number."
    job_log.append(log, [f"local_sagemaker: metric {metric.name} is left out from here on: {note}"])


@lru_cache(maxsize=256)
def _compile(definitions: tuple[tuple[str, str], ...]) -> list[Metric]:
    return [Metric(name, regex.compile(text), required_text(text)) for name, text in definitions]
