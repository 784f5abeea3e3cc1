"""The text that every match of a regular expression holds, read off its parsed form."""

import re
import warnings
from collections.abc import Iterable
from typing import Any


def required_text(pattern: str) -> str:
    """The longest such text; empty when there is none, or none can be told."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what re will understand otherwise one day
            parsed = re._parser.parse(pattern)  # type: ignore[attr-defined] # re has no public parser
    except (re.error, RecursionError, OverflowError):  # the regex module understands more
        return ""
    if parsed.state.flags & (re.IGNORECASE | re.VERBOSE):
        return ""
    return max(_runs(parsed), key=len, default="")


def _runs(items: Iterable[Any]) -> list[str]:
    """The texts that must stand somewhere, of consecutive literal characters."""
    runs, run = [], ""
    for operation, argument in items:
        kind = str(operation)
        if kind == "LITERAL":
            run += chr(argument)
            continue
        if kind == "AT":  # a place between characters, such as ^
            continue
        runs.append(run)
        run = ""
        if kind == "SUBPATTERN" and not argument[1] and not argument[2]:  # a group without flags of its own
            runs += _runs(argument[3])
        elif kind in {"MAX_REPEAT", "MIN_REPEAT"} and argument[0] > 0:
            runs += _runs(argument[2])
    return [*runs, run]
