"""smdebug's .tfevents files: TFRecord frames, each with one tensor as a protobuf Event, read without copying.

    frame    uint64 length, uint32 masked crc32c of these 8 bytes, the Event, uint32 (smdebug: a constant)
    Event    2 step, 5 summary -> Summary 1 value -> Value 1 tag, 8 tensor -> TensorProto
    TensorProto 1 dtype, 2 shape (2 dim, each 1 size), 4 tensor_content; or its values as a list of numbers

The protobuf package is not needed: the few fields that count are found by walking the message.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from diagnostics.tensors.protobuf import BYTES, VARINT, BrokenMessage, Field, fields, signed, varints
from diagnostics.tensors.saved_step import Tensor

HEADER_BYTES = 12
FOOTER_BYTES = 4

# TensorProto.dtype. Quantised numbers are read as the integers that they are stored as.
_DTYPES: dict[int, npt.DTypeLike] = {
    1: np.float32,
    2: np.float64,
    3: np.int32,
    4: np.uint8,
    5: np.int16,
    6: np.int8,
    8: np.complex64,
    9: np.int64,
    10: np.bool_,
    11: np.int8,
    12: np.uint8,
    13: np.int32,
    15: np.int16,
    16: np.uint16,
    17: np.uint16,
    18: np.complex128,
    19: np.float16,
    22: np.uint32,
    23: np.uint64,
}
_TEXT_TYPES = (0, 7)  # smdebug leaves the type of text out
# Lists of numbers instead of tensor_content: field -> how its numbers are packed; None: as varints.
_LISTS: dict[int, str | None] = {5: "<f4", 6: "<f8", 7: None, 9: "<f4", 10: None, 11: None, 12: "<f8", 13: None}
_HALF_VAL = 13  # the bits of a float16
_COMPLEX_VALS = (9, 12)  # real and imaginary parts in turn

_POLYNOMIAL = 0x82F63B78  # crc32c, reversed
_MASK = 0xA282EAD8


class BrokenEvents(ValueError):
    """A record, or a file, is cut off or is no event of smdebug's; the message says where."""


@dataclass(frozen=True)
class EventTensor:
    """A tensor, read-only, as it was saved at `step`; `value` is None for text."""

    name: str
    step: int
    value: Tensor | None


def read_record(record: bytes | memoryview) -> EventTensor:
    """The tensor of one whole record, as the index says where it lies. `value` points into `record`.

    Raises BrokenEvents.
    """
    view = memoryview(record)
    size = _event_bytes(view)
    if len(view) != HEADER_BYTES + size + FOOTER_BYTES:  # which makes the checksum of the length superfluous
        raise BrokenEvents(f"a record of {size} bytes lies in {len(view)} bytes")
    tensors = _tensors(view[HEADER_BYTES : HEADER_BYTES + size])
    if len(tensors) != 1:
        raise BrokenEvents(f"a record holds {len(tensors)} tensors instead of one")
    return tensors[0]


def read_file(content: bytes | memoryview) -> Iterator[EventTensor]:
    """All tensors of a file, in its order. Raises BrokenEvents when it comes to what cannot be read."""
    view = memoryview(content)
    while view:
        end = HEADER_BYTES + _event_bytes(view) + FOOTER_BYTES
        if masked_crc32c(bytes(view[:8])) != int.from_bytes(view[8:HEADER_BYTES], "little"):
            raise BrokenEvents("the checksum of a record's length is wrong")
        if end > len(view):
            raise BrokenEvents(f"the file is cut off: {len(view)} bytes are left of a record of {end}")
        yield from _tensors(view[HEADER_BYTES : end - FOOTER_BYTES])
        view = view[end:]


def masked_crc32c(data: bytes) -> int:
    """TFRecord's checksum. A bit at a time: good for a few bytes."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (_POLYNOMIAL if crc & 1 else 0)
    crc ^= 0xFFFFFFFF
    return (((crc >> 15) | (crc << 17)) + _MASK) & 0xFFFFFFFF


def _event_bytes(view: memoryview) -> int:
    """How long the event of the frame at the beginning is."""
    if len(view) < HEADER_BYTES + FOOTER_BYTES:
        raise BrokenEvents(f"a record is cut off: {len(view)} bytes are left")
    return int.from_bytes(view[:8], "little")


def _tensors(event: memoryview) -> list[EventTensor]:
    try:
        return list(_walk(event))
    except BrokenMessage as error:
        raise BrokenEvents(str(error)) from error


def _walk(event: memoryview) -> Iterator[EventTensor]:
    parts = list(fields(event))
    step = next((signed(value) for field, wire, value in parts if (field, wire) == (2, VARINT)), 0)
    for summary in _messages(parts, 5):
        for value in _messages(fields(summary), 1):
            inner = list(fields(value))
            name = "".join(_text(tag) for tag in _messages(inner, 1))
            for proto in _messages(inner, 8):  # anything else, such as a histogram, is passed over
                try:
                    yield EventTensor(name, step, _array(proto))
                except (BrokenEvents, BrokenMessage) as error:
                    raise BrokenEvents(f"{name}: {error}") from error


def _messages(parts: Iterable[Field], number: int) -> Iterator[memoryview]:
    """The messages, or texts, in the fields of that number."""
    return (value for field, wire, value in parts if field == number and wire == BYTES)


def _array(proto: memoryview) -> Tensor | None:
    parts = list(fields(proto))
    number = next((value for field, wire, value in parts if (field, wire) == (1, VARINT)), 0)
    if number in _TEXT_TYPES:
        return None
    if number not in _DTYPES:
        raise BrokenEvents(f"a tensor of type {number}, which smdebug does not write")
    dtype = np.dtype(_DTYPES[number]).newbyteorder("<")
    shape = [size for message in _messages(parts, 2) for size in _shape(message)]
    content = next(_messages(parts, 4), None)
    if not content:
        return _from_lists([part for part in parts if part[0] in _LISTS], dtype, shape)
    if len(content) != math.prod(shape) * dtype.itemsize:
        raise BrokenEvents(f"{len(content)} bytes are no {dtype} tensor of the shape {shape}")
    return np.frombuffer(content, dtype).reshape(shape)


def _shape(message: memoryview) -> list[int]:
    sizes = [_size(dimension) for dimension in _messages(fields(message), 2)]
    if any(size < 0 for size in sizes):
        raise BrokenEvents(f"the shape {sizes} is none")
    return sizes


def _size(dimension: memoryview) -> int:
    return signed(next((value for field, wire, value in fields(dimension) if (field, wire) == (1, VARINT)), 0))


def _from_lists(lists: list[Field], dtype: "np.dtype[Any]", shape: list[int]) -> Tensor:
    parts = [_numbers(field, wire, value, dtype) for field, wire, value in lists]
    numbers = np.concatenate(parts) if parts else np.empty(0, dtype)
    count = math.prod(shape)
    if len(numbers) != count:
        raise BrokenEvents(f"{len(numbers)} values are no {dtype} tensor of the shape {shape}")
    array = numbers.reshape(shape)
    array.flags.writeable = False
    return array


def _numbers(field: int, wire: int, value: Any, dtype: "np.dtype[Any]") -> Tensor:
    packed = _LISTS[field]
    if packed is not None:
        if len(value) % np.dtype(packed).itemsize:
            raise BrokenEvents("a list of numbers is cut off")
        numbers: Tensor = np.frombuffer(value, packed)
        if field in _COMPLEX_VALS:
            if len(numbers) % 2:
                raise BrokenEvents("a list of complex numbers is cut off")
            numbers = numbers[0::2] + 1j * numbers[1::2]
        return numbers.astype(dtype)
    integers = [value] if wire == VARINT else list(varints(value))
    if field == _HALF_VAL:
        return np.array([integer & 0xFFFF for integer in integers], "<u2").view("<f2").astype(dtype)
    return np.array([signed(integer) for integer in integers], np.int64).astype(dtype)


def _text(value: memoryview) -> str:
    try:
        return str(value, "utf-8")
    except UnicodeDecodeError as error:
        raise BrokenEvents("a tensor's name is no UTF-8") from error
