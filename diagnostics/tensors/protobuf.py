"""The protobuf wire format: the fields of a message, found by walking it."""

from collections.abc import Iterator
from typing import Any

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5

Field = tuple[int, int, Any]  # number, wire type, value: an int for a varint, else the bytes


class BrokenMessage(ValueError):
    """What was read is no protobuf message; the message says why."""


def fields(message: memoryview) -> Iterator[Field]:
    """All fields, in their order. Raises BrokenMessage."""
    at, end = 0, len(message)
    while at < end:
        key, at = _varint(message, at)
        number, wire = key >> 3, key & 7
        if wire == VARINT:
            value, at = _varint(message, at)
            yield number, wire, value
            continue
        if wire == BYTES:
            size, at = _varint(message, at)
        elif wire in (FIXED32, FIXED64):
            size = 4 if wire == FIXED32 else 8
        else:
            raise BrokenMessage(f"wire type {wire} at byte {at} is none of an event's")
        if at + size > end:
            raise BrokenMessage(f"a field of {size} bytes goes beyond its message")
        yield number, wire, message[at : at + size]
        at += size


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    """The number at `at`, and where it ends."""
    value, shift = 0, 0
    while at < len(message) and shift < 70:
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    raise BrokenMessage("a number is cut off")


def varints(packed: memoryview) -> Iterator[int]:
    """The numbers of a packed list. Raises BrokenMessage."""
    at = 0
    while at < len(packed):
        value, at = _varint(packed, at)
        yield value


def signed(value: int) -> int:
    """A varint as int64."""
    value &= 0xFFFFFFFFFFFFFFFF
    return value - (1 << 64) if value >> 63 else value
