"""Turns JSON values into members by botocore's shapes.

Timestamps become aware datetimes (UTC), blobs bytes; a null member counts as absent. A wrong type is a
SerializationException, a member that the shape does not have a ValidationException: nothing is passed over in silence.
A shape is compiled once into one function.
"""

import base64
import binascii
import difflib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

from local_sagemaker.errors import SerializationException, ValidationException
from local_sagemaker.wire.constraints import joined, member_path

# Called with a JSON value and its path; answers the decoded value.
Decode = Callable[[Any, str], Any]

_INT_BITS = {"integer": 31, "long": 63}
_NOT_NUMBERS = ("NaN", "Infinity", "-Infinity")  # how AWS's JSON protocols write the floats that JSON has not


def compile_decode(shape: Shape, known: dict[str, Decode] | None = None) -> Decode:
    """The decoder of a shape."""
    known = {} if known is None else known
    if shape.name not in known:
        # Shapes may contain themselves: until this one is compiled, what meets it inside looks it up when called.
        def later(value: Any, path: str) -> Any:
            return known[shape.name](value, path)

        known[shape.name] = later
        known[shape.name] = _compile(shape, known)
    return known[shape.name]


def _compile(shape: Shape, known: dict[str, Decode]) -> Decode:
    if isinstance(shape, StructureShape):
        return _any if shape.is_document_type else _structure(shape, known)
    if isinstance(shape, ListShape):
        return _list(compile_decode(shape.member, known))
    if isinstance(shape, MapShape):
        return _map(compile_decode(shape.value, known))
    if shape.type_name in _INT_BITS:
        return _integer(shape.type_name)
    return _SCALARS[shape.type_name]


def _structure(shape: StructureShape, known: dict[str, Decode]) -> Decode:
    members = {
        member.serialization.get("name", name): (name, compile_decode(member, known))
        for name, member in shape.members.items()
    }

    def decode(value: Any, path: str) -> dict[str, Any]:
        if type(value) is not dict:
            raise _wrong_type(value, "a structure", path)
        decoded = {}
        for wire_name, item in value.items():
            if wire_name not in members:
                raise unknown_member(wire_name, shape.name, path, list(members))
            if item is not None:
                name, decode_member = members[wire_name]
                decoded[name] = decode_member(item, member_path(path, name))
        return decoded

    return decode


def _list(decode_member: Decode) -> Decode:
    def decode(value: Any, path: str) -> list[Any]:
        if type(value) is not list:
            raise _wrong_type(value, "a list", path)
        return [decode_member(item, f"{path}.{position}.member") for position, item in enumerate(value, 1)]

    return decode


def _map(decode_value: Decode) -> Decode:
    def decode(value: Any, path: str) -> dict[str, Any]:
        if type(value) is not dict:
            raise _wrong_type(value, "a map", path)
        return {key: decode_value(item, f"{path}.{key}") for key, item in value.items()}

    return decode


def _integer(type_name: str) -> Decode:
    bits = _INT_BITS[type_name]

    def decode(value: Any, path: str) -> int:
        if type(value) is not int or not -(1 << bits) <= value < (1 << bits):
            raise _wrong_type(value, "an Integer" if type_name == "integer" else "a Long", path)
        return value

    return decode


def _float(value: Any, path: str) -> float:
    if value in _NOT_NUMBERS:
        return float(value)
    if type(value) is not float and type(value) is not int:
        raise _wrong_type(value, "a Float", path)
    return value


def _string(value: Any, path: str) -> str:
    if type(value) is not str:
        raise _wrong_type(value, "a String", path)
    return value


def _boolean(value: Any, path: str) -> bool:
    if type(value) is not bool:
        raise _wrong_type(value, "a Boolean", path)
    return value


def _timestamp(value: Any, path: str) -> datetime:
    if type(value) is int or type(value) is float:
        try:
            return datetime.fromtimestamp(value, UTC)
        except (OverflowError, ValueError, OSError):
            raise SerializationException(f"{value} at '{path}' is no time in seconds since the epoch") from None
    raise _wrong_type(value, "seconds since the epoch", path)


def _blob(value: Any, path: str) -> bytes:
    try:
        return base64.b64decode(_string(value, path), validate=True)
    except (binascii.Error, ValueError):
        raise SerializationException(f"The value at '{path}' is no base64") from None


def _any(value: Any, path: str) -> Any:  # noqa: ARG001 - a document has no shape to check against
    return value


_SCALARS: dict[str, Decode] = {
    "string": _string,
    "character": _string,
    "float": _float,
    "double": _float,
    "boolean": _boolean,
    "timestamp": _timestamp,
    "blob": _blob,
}


def _wrong_type(value: Any, wanted: str, path: str) -> SerializationException:
    where = f" at '{path}'" if path else ""
    if isinstance(value, dict | list):
        kind = "Start of structure or map" if isinstance(value, dict) else "Start of list"
        return SerializationException(f"{kind} found where not expected: {wanted} is wanted{where}")
    kinds: dict[type, str] = {str: "STRING", bool: "BOOLEAN", int: "NUMBER", float: "DECIMAL"}
    kind = f"{kinds.get(type(value), 'NULL')}_VALUE"
    return SerializationException(f"{kind} can not be converted to {wanted}{where}")


def unknown_member(name: str, shape: str, path: str, known: list[str]) -> ValidationException:
    """The error about a member that `shape` does not have."""
    close = difflib.get_close_matches(name, known, 1)
    advice = f"did you mean {close[0]}?" if close else f"it has {', '.join(sorted(known)) or 'no members'}"
    where = member_path(path, name)
    return ValidationException(joined([f"Value at '{where}' is not a member of {shape}: {advice}"]))
