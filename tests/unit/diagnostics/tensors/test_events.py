"""Event files: what smdebug writes is read as it was, and what is broken says so."""

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnostics.tensors.events import BrokenEvents, read_file, read_record
from diagnostics.tensors.saved_step import Tensor
from tests.unit.diagnostics.tensor_files import TYPES, framed, message, number_field, record, tensor_proto, text_proto


@pytest.mark.parametrize("dtype", sorted(TYPES))
def test_every_type_is_read_as_it_was_saved(dtype: str) -> None:
    array: Tensor = np.arange(6).reshape(2, 3).astype(np.dtype(dtype))
    found = read_record(record("a", 7, tensor_proto(array)))
    assert (found.name, found.step) == ("a", 7)
    assert found.value is not None
    assert found.value.dtype == array.dtype
    np.testing.assert_array_equal(found.value, array)


@pytest.mark.parametrize(("number", "dtype"), [(11, np.int8), (12, np.uint8), (13, np.int32), (15, np.int16)])
def test_quantised_numbers_are_integers(number: int, dtype: type) -> None:
    array: Tensor = np.array([1, 2, 3], dtype)
    proto = number_field(1, number) + message(2, message(2, number_field(1, 3))) + message(4, array.tobytes())
    value = read_record(record("q", 0, proto)).value
    assert value is not None
    assert value.dtype == dtype
    assert value.tolist() == [1, 2, 3]


@pytest.mark.parametrize("shape", [(), (0,), (3, 0), (1,), (2, 3, 4)])
def test_shapes(shape: tuple[int, ...]) -> None:
    array = np.full(shape, 1.5, np.float32)
    value = read_record(record("a", 0, tensor_proto(array))).value
    assert value is not None
    assert value.shape == shape
    np.testing.assert_array_equal(value, array)


def test_the_tensor_points_into_what_was_read_and_cannot_be_written() -> None:
    content = record("a", 0, tensor_proto(np.ones(1000, np.float32)))
    value = read_record(content).value
    assert value is not None
    assert np.shares_memory(value, np.frombuffer(content, np.uint8))
    assert not value.flags.writeable


def packed(number: int, form: str, *values: float) -> bytes:
    return message(number, struct.pack(f"<{len(values)}{form}", *values))


@pytest.mark.parametrize(
    ("number", "values", "expected"),
    [
        (1, packed(5, "f", 1.5, -2.0), [1.5, -2.0]),
        (1, b"\x2d" + struct.pack("<f", 1.5) + b"\x2d" + struct.pack("<f", 2.5), [1.5, 2.5]),  # not packed
        (2, packed(6, "d", 1.5, -2.0), [1.5, -2.0]),
        (3, number_field(7, 3) + number_field(7, -4), [3, -4]),
        (9, message(10, b"\x05\x06"), [5, 6]),
        (10, number_field(11, 1) + number_field(11, 0), [True, False]),
        (19, number_field(13, 0x3C00) + number_field(13, 0xC000), [1.0, -2.0]),
        (8, packed(9, "f", 1.0, 2.0, 3.0, 4.0), [1 + 2j, 3 + 4j]),
        (18, packed(12, "d", 1.0, 2.0, 3.0, 4.0), [1 + 2j, 3 + 4j]),
    ],
)
def test_values_as_a_list_of_numbers(number: int, values: bytes, expected: list[complex]) -> None:
    proto = number_field(1, number) + message(2, message(2, number_field(1, 2))) + values
    value = read_record(record("a", 0, proto)).value
    assert value is not None
    assert value.tolist() == expected
    assert not value.flags.writeable


def test_text_is_no_tensor_and_no_error() -> None:
    assert read_record(record("words", 3, text_proto(["a", "b"]))).value is None


def test_a_file_is_read_in_its_order_and_what_is_no_tensor_passed_over() -> None:
    histogram = framed(number_field(2, 1) + message(5, message(1, message(1, b"h") + message(5, b""))))
    graph = framed(message(4, b"graph"))
    content = record("a", 1, tensor_proto(np.float32(1))) + histogram + graph + record("b", 1, text_proto(["x"]))
    assert [(found.name, found.value) for found in read_file(content)] == [("a", 1.0), ("b", None)]


@given(data=st.data())
def test_a_file_that_is_cut_off_anywhere_says_so(data: st.DataObject) -> None:
    first, second = record("a", 1, tensor_proto(np.ones(3))), record("b", 1, tensor_proto(np.ones(5)))
    cut = data.draw(st.integers(1, len(second) - 1))
    found = read_file(first + second[:cut])
    assert next(found).name == "a"
    with pytest.raises(BrokenEvents, match="cut off"):
        next(found)


def is_readable(content: bytes) -> bool:
    try:
        return list(read_file(content)) != []
    except BrokenEvents:
        return False


@given(at=st.integers(0, 8 + 4), byte=st.integers(0, 255))
def test_a_changed_byte_of_a_header_is_noticed(at: int, byte: int) -> None:
    content = record("a", 1, tensor_proto(np.ones(5)))
    changed = bytearray(content)
    changed[min(at, 11)] = byte
    assert is_readable(bytes(changed)) == (changed == content)


@given(event=st.binary(max_size=200))
def test_arbitrary_bytes_raise_nothing_else(event: bytes) -> None:
    assert is_readable(framed(event)) in (True, False)
    assert not is_readable(event) or len(event) >= 16


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "cut off"),
        (record("a", 0, tensor_proto(np.ones(2)))[:-1], "bytes lies in"),
        (record("a", 0, number_field(1, 99)), "a: a tensor of type 99"),
        (
            record("a", 0, number_field(1, 1) + message(2, message(2, number_field(1, 3))) + message(4, b"abcd")),
            "4 bytes",
        ),
        (record("a", 0, number_field(1, 1) + message(2, message(2, number_field(1, 3)))), "0 values"),
        (record("a", 0, number_field(1, 1) + message(2, message(2, number_field(1, -1)))), "shape"),
        (framed(number_field(2, 1)), "0 tensors"),
    ],
)
def test_what_is_broken_is_named(content: bytes, reason: str) -> None:
    with pytest.raises(BrokenEvents, match=reason):
        read_record(content)


def test_a_file_with_a_wrong_checksum_of_a_length_is_broken() -> None:
    content = bytearray(record("a", 1, tensor_proto(np.ones(3))))
    content[8] ^= 1
    with pytest.raises(BrokenEvents, match="checksum"):
        list(read_file(bytes(content)))
