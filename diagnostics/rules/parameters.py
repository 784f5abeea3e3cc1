"""A rule's parameters: AWS's strings, read by the types of the rule's fields."""

import ast
import json
import re
import types
import typing
from collections.abc import Callable, Sequence
from enum import Enum
from typing import Any, Union, get_args, get_origin

_NONE = frozenset({"", "none", "null"})
_BOOLEANS = {"true": True, "false": False, "1": True, "0": False}


class ParameterOutOfRange(ValueError):
    """A rule's field has a value that makes no sense; raised by the rule's __post_init__."""

    def __init__(self, name: str, value: object, allowed: str) -> None:
        super().__init__(f"{name} is {value}; allowed: {allowed}")
        self.name, self.value, self.allowed = name, value, allowed


class NotOfType(ValueError):
    """The text is no value of the type; the message says what is allowed."""


def at_least(least: float, **fields: float | None) -> None:
    """Raise ParameterOutOfRange for a field below `least`; None is in range."""
    for name, value in fields.items():
        if value is not None and not value >= least:
            raise ParameterOutOfRange(name, value, f"a number from {least:g} on")


def regexes(**fields: Sequence[str] | str | None) -> None:
    """Raise ParameterOutOfRange for what is no regular expression."""
    for name, value in fields.items():
        for regex in [value] if isinstance(value, str) else value or ():
            try:
                re.compile(regex)
            except re.error as error:
                raise ParameterOutOfRange(name, regex, f"a regular expression ({error})") from error


def read_as(kind: Any, text: str) -> Any:
    """The value of type `kind` that AWS's `text` spells: Python's and JSON's spellings, lists with commas.

    `kind` is a field's type: str, int, float, bool, an Enum, Sequence[...], list[...], tuple[...], and any of them or
    None. Raises NotOfType; an unknown `kind` is a defect of the rule and a TypeError.
    """
    if get_origin(kind) in (Union, types.UnionType):
        return _optional(kind, text)
    if get_origin(kind) in (list, tuple, Sequence):
        return _items(kind, text)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return _member(kind, text)
    if kind not in _READERS:
        raise TypeError(f"{kind} is no type of a rule's parameter")
    return _READERS[kind](text if kind is str else text.strip())


def _optional(kind: Any, text: str) -> Any:
    kinds = [one for one in get_args(kind) if one is not types.NoneType]
    if len(kinds) < len(get_args(kind)) and text.strip().lower() in _NONE:
        return None
    reasons = []
    for one in kinds:
        try:
            return read_as(one, text)
        except NotOfType as reason:
            reasons.append(str(reason))
    raise NotOfType(" or ".join(dict.fromkeys(reasons)))


def _items(kind: Any, text: str) -> tuple[Any, ...]:
    item, *more = get_args(kind)
    kinds = [item, *more] if get_origin(kind) is tuple and more != [Ellipsis] else None
    texts = _split(text)
    if kinds is None:
        return tuple(read_as(item, one) for one in texts)
    if len(texts) != len(kinds):
        raise NotOfType(f"{len(kinds)} values with commas between them")
    return tuple(read_as(one, given) for one, given in zip(kinds, texts, strict=True))


def _split(text: str) -> list[str]:
    """The items of a list: as Python or JSON write one, or with commas; commas within brackets belong to a regex."""
    with_brackets = text.strip()
    if with_brackets[:1] in ("[", "("):
        for parse in (json.loads, ast.literal_eval):
            try:
                items = parse(with_brackets)
            except (ValueError, SyntaxError):
                continue
            if isinstance(items, (list, tuple)):
                return [str(item) for item in items]
    depth, items, start = 0, [], 0
    for at, sign in enumerate(text):
        depth += (sign in "([{") - (sign in ")]}")
        if sign == "," and depth <= 0:
            items.append(text[start:at])
            start = at + 1
    return [item.strip() for item in [*items, text[start:]] if item.strip()]


def _member(kind: type[Enum], text: str) -> Enum:
    """AWS writes EVAL and the hook modes.EVAL."""
    found = kind.__members__.get(text.strip().rpartition(".")[2].upper())
    if found is None:
        raise NotOfType(", ".join(kind.__members__))
    return found


def _boolean(text: str) -> bool:
    if text.lower() not in _BOOLEANS:
        raise NotOfType("true or false")
    return _BOOLEANS[text.lower()]


def _whole(text: str) -> int:
    try:
        value = float(text)
        if value == int(value):
            return int(value)
    except (ValueError, OverflowError):
        pass
    raise NotOfType("a whole number")


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise NotOfType("a number") from None
    if value != value:  # noqa: PLR0124 - nan
        raise NotOfType("a number")
    return value


_READERS: typing.Mapping[Any, Callable[[str], Any]] = {
    bool: _boolean,
    int: _whole,
    float: _number,
    str: lambda text: text,
}
