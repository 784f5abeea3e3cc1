"""Checks members against the constraints of botocore's shapes, with AWS's wording.

`1 validation error detected: Value 'x' at 'a.b' failed to satisfy constraint: Member must ...`

A shape is compiled once into one function; a shape without constraints into None. As AWS does, a member of a list of
structures is named by its position (`tags.1.member.key`), while the faults of scalar members of lists and maps are
told of the whole list or map, and a sensitive value is not repeated.
"""

from collections.abc import Callable, Sequence
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

from local_sagemaker.errors import ValidationException
from local_sagemaker.wire.patterns import compiled

# Called with a value, its path and the list to which it adds what is wrong.
Check = Callable[[Any, str, list[str]], None]
Rule = tuple[Callable[[Any], bool], str]

MAX_SHOWN_CHARACTERS = 1024
_SIZED = ("string", "blob", "list", "map")


def validate(check: Check | None, members: dict[str, Any]) -> None:
    """Raise ValidationException with everything that `check` (of an input shape) finds wrong with a request."""
    if check is None:
        return
    errors: list[str] = []
    check(members, "", errors)
    if errors:
        raise ValidationException(joined(errors))


def joined(errors: Sequence[str]) -> str:
    """AWS's sentence about several faults."""
    plural = "s" if len(errors) > 1 else ""
    return f"{len(errors)} validation error{plural} detected: {'; '.join(errors)}"


def failed(value: str, path: str, constraint: str) -> str:
    """AWS's sentence about one fault; `value` as it is to be shown."""
    return f"Value {value}at '{path}' failed to satisfy constraint: {constraint}"


def member_path(path: str, name: str) -> str:
    """The path of a structure's member, as AWS writes it: each name begins in lower case."""
    name = name[:1].lower() + name[1:]
    return f"{path}.{name}" if path else name


def compile_check(shape: Shape, known: dict[str, Check | None] | None = None) -> Check | None:
    """The check of a shape; None when nothing can be wrong with a value of the right type."""
    known = {} if known is None else known
    if shape.name not in known:
        # Shapes may contain themselves: until this one is compiled, what meets it inside looks it up when called.
        known[shape.name] = lambda value, path, errors: _call(known[shape.name], value, path, errors)
        known[shape.name] = _compile(shape, known)
    return known[shape.name]


def _call(check: Check | None, value: Any, path: str, errors: list[str]) -> None:
    if check is not None:
        check(value, path, errors)


def _compile(shape: Shape, known: dict[str, Check | None]) -> Check | None:
    checks: list[Check | None] = []
    rules = _rules(shape)
    if rules:
        checks.append(_rules_check(rules, sensitive=bool(shape.metadata.get("sensitive"))))
    if isinstance(shape, StructureShape):
        checks.append(_structure_check(shape, known))
    elif isinstance(shape, ListShape):
        checks.append(_list_check(shape.member, known))
    elif isinstance(shape, MapShape):
        checks.append(_map_check("Map keys", shape.key, list, known))
        checks.append(_map_check("Map value", shape.value, lambda value: list(value.values()), known))
    return _all([check for check in checks if check is not None])


def _all(checks: list[Check]) -> Check | None:
    if len(checks) <= 1:
        return checks[0] if checks else None

    def check_all(value: Any, path: str, errors: list[str]) -> None:
        for check in checks:
            check(value, path, errors)

    return check_all


def _rules(shape: Shape) -> list[Rule]:
    """What a single value must fulfil, each with AWS's sentence."""
    rules: list[Rule] = []
    metadata, sized = shape.metadata, shape.type_name in _SIZED
    size, phrase = (len, "length") if sized else (lambda value: value, "value")
    if (most := metadata.get("max")) is not None:
        rules.append((lambda value: size(value) <= most, f"Member must have {phrase} less than or equal to {most}"))
    if (least := metadata.get("min")) is not None:
        rules.append(
            (lambda value: size(value) >= least, f"Member must have {phrase} greater than or equal to {least}")
        )
    if (pattern := metadata.get("pattern")) is not None and shape.type_name == "string":
        match = compiled(pattern).fullmatch
        sentence = f"Member must satisfy regular expression pattern: {pattern}"
        rules.append((lambda value: match(value) is not None, sentence))
    if enum := metadata.get("enum"):
        values = frozenset(enum)
        rules.append((lambda value: value in values, f"Member must satisfy enum value set: [{', '.join(enum)}]"))
    return rules


def _rules_check(rules: list[Rule], *, sensitive: bool) -> Check:
    def check(value: Any, path: str, errors: list[str]) -> None:
        errors.extend(
            failed("" if sensitive else f"'{_shown(value)}' ", path, sentence)
            for holds, sentence in rules
            if not holds(value)
        )

    return check


def _structure_check(shape: StructureShape, known: dict[str, Check | None]) -> Check | None:
    required = list(shape.required_members)
    members = {name: compile_check(member, known) for name, member in shape.members.items()}
    members = {name: check for name, check in members.items() if check is not None}
    if shape.is_tagged_union:
        union = f"Member must have exactly one of [{', '.join(shape.members)}] set"
    elif not required and not members:
        return None
    else:
        union = ""

    def check(value: Any, path: str, errors: list[str]) -> None:
        if union and len(value) != 1:
            errors.append(failed(f"'{_shown(value)}' ", path, union))
        errors.extend(
            failed("null ", member_path(path, name), "Member must not be null")
            for name in required
            if name not in value
        )
        for name, member in value.items():
            member_check = members.get(name)
            if member_check is not None:
                member_check(member, member_path(path, name), errors)

    return check


def _list_check(member: Shape, known: dict[str, Check | None]) -> Check | None:
    if member.type_name in ("structure", "list", "map"):
        member_check = compile_check(member, known)
        if member_check is None:
            return None

        def check(value: Any, path: str, errors: list[str]) -> None:
            for position, item in enumerate(value, 1):
                member_check(item, f"{path}.{position}.member", errors)

        return check
    return _members_check("Member", _rules(member), list, sensitive=bool(member.metadata.get("sensitive")))


def _map_check(
    what: str, part: Shape, parts: Callable[[dict[str, Any]], list[Any]], known: dict[str, Check | None]
) -> Check | None:
    if part.type_name in ("structure", "list", "map"):
        part_check = compile_check(part, known)
        if part_check is None:
            return None

        def check(value: Any, path: str, errors: list[str]) -> None:
            for key, item in value.items():
                part_check(item, f"{path}.{key}.member", errors)

        return check
    return _members_check(what, _rules(part), parts, sensitive=bool(part.metadata.get("sensitive")))


def _members_check(what: str, rules: list[Rule], parts: Callable[[Any], list[Any]], *, sensitive: bool) -> Check | None:
    """Of a list's or map's scalar parts: one sentence about the whole, with all rules."""
    if not rules:
        return None
    sentence = f"{what} must satisfy constraint: [{', '.join(text for _, text in rules)}]"

    def check(value: Any, path: str, errors: list[str]) -> None:
        if not all(holds(part) for part in parts(value) for holds, _ in rules):
            errors.append(failed("" if sensitive else f"'{_shown(value)}' ", path, sentence))

    return check


def _shown(value: Any) -> str:
    """A value as AWS prints it, bounded."""
    if isinstance(value, dict):
        text = "{" + ", ".join(f"{key}={_shown(item)}" for key, item in value.items()) + "}"
    elif isinstance(value, list):
        text = "[" + ", ".join(_shown(item) for item in value) + "]"
    elif isinstance(value, bytes):
        text = f"{len(value)} bytes"
    elif isinstance(value, bool):
        text = str(value).lower()
    else:
        text = str(value)
    return text if len(text) <= MAX_SHOWN_CHARACTERS else text[:MAX_SHOWN_CHARACTERS] + "..."
