"""Turns an operation's members into JSON values by botocore's shapes.

Timestamps (aware datetimes, or seconds since the epoch) become seconds, blobs base64; a member that is None is left
out. A member that the shape does not have is a fault of the operation and raises TypeError.
"""

import base64
import math
from collections.abc import Callable
from datetime import datetime
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

Encode = Callable[[Any], Any]


def compile_encode(shape: Shape, known: dict[str, Encode] | None = None) -> Encode:
    """The encoder of a shape."""
    known = {} if known is None else known
    if shape.name not in known:
        # Shapes may contain themselves: until this one is compiled, what meets it inside looks it up when called.
        def later(value: Any) -> Any:
            return known[shape.name](value)

        known[shape.name] = later
        known[shape.name] = _compile(shape, known)
    return known[shape.name]


def _compile(shape: Shape, known: dict[str, Encode]) -> Encode:
    if isinstance(shape, StructureShape) and not shape.is_document_type:
        return _structure(shape, known)
    if isinstance(shape, ListShape):
        encode_member = compile_encode(shape.member, known)
        return lambda value: [encode_member(item) for item in value]
    if isinstance(shape, MapShape):
        encode_value = compile_encode(shape.value, known)
        return lambda value: {key: encode_value(item) for key, item in value.items()}
    return _SCALARS.get(shape.type_name, _same)


def _structure(shape: StructureShape, known: dict[str, Encode]) -> Encode:
    members = {
        name: (member.serialization.get("name", name), compile_encode(member, known))
        for name, member in shape.members.items()
    }

    def encode(value: dict[str, Any]) -> dict[str, Any]:
        encoded = {}
        for name, item in value.items():
            if name not in members:
                raise TypeError(f"{name} is not a member of {shape.name}")
            if item is not None:
                wire_name, encode_member = members[name]
                encoded[wire_name] = encode_member(item)
        return encoded

    return encode


def epoch_seconds(value: datetime | float) -> float:
    """A time as AWS's JSON protocols write it; refuses naive datetimes, which would mean another time elsewhere."""
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise TypeError(f"the time {value} has no time zone")
        return value.timestamp()
    return value


def _float(value: float) -> float | str:
    # JSON has no such numbers; AWS's JSON protocols write them as strings.
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _integer(value: int) -> int:
    if not isinstance(value, int):
        raise TypeError(f"{value!r} is no integer")
    return value


def _string(value: str) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no string")
    return value


def _same(value: Any) -> Any:
    return value


_SCALARS: dict[str, Encode] = {
    "timestamp": epoch_seconds,
    "blob": lambda value: base64.b64encode(value).decode(),
    "float": _float,
    "double": _float,
    "integer": _integer,
    "long": _integer,
    "string": _string,
}
