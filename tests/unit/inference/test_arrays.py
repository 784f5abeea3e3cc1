"""application/x-npy -> RGB images."""

import contextlib
import io
import pickle
from types import ModuleType
from typing import Any

import numpy as np
import pytest

Modules = dict[str, ModuleType]


def npy(array: Any, **options: Any) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, **options)
    return stream.getvalue()


def header(text: str, version: bytes = b"\x01\x00") -> bytes:
    padded = text.encode().ljust(117) + b"\n"
    return b"\x93NUMPY" + version + len(padded).to_bytes(2, "little") + padded


def refusal(modules: Modules, body: bytes) -> Any:
    with pytest.raises(modules["errors"].RequestError) as caught:
        modules["inference"].input_fn(body, "application/x-npy")
    return caught.value


def test_one_image_and_a_batch(modules: Modules) -> None:
    batch = np.random.default_rng(3).integers(0, 256, (4, 12, 20, 3), np.uint8)
    image = modules["inference"].input_fn(npy(batch[0]), "application/x-npy")
    assert np.array_equal(np.asarray(image), batch[0])
    images = modules["inference"].input_fn(npy(batch), "application/octet-stream")
    assert isinstance(images, list)
    assert np.array_equal(np.stack([np.asarray(image) for image in images]), batch)


def test_fortran_order(modules: Modules) -> None:
    array = np.asfortranarray(np.arange(6 * 5 * 3, dtype=np.uint8).reshape(6, 5, 3))
    assert np.array_equal(np.asarray(modules["inference"].input_fn(npy(array), "application/x-npy")), array)


class Exploit:
    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return pytest.fail, ("unpickled",)


def test_pickle_is_refused_and_not_loaded(modules: Modules) -> None:
    error = refusal(modules, npy(np.array([Exploit()], dtype=object), allow_pickle=True))
    assert error.status_code == 400
    assert "pickled objects" in str(error)
    bare = refusal(modules, pickle.dumps(Exploit()))
    assert bare.status_code == 415


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((3, 8, 8), np.uint8),
        np.zeros((8, 8), np.uint8),
        np.zeros((8, 8, 4), np.uint8),
        np.zeros((8, 8, 3), np.float32),
        np.zeros((1, 1, 8, 8, 3), np.uint8),
        np.zeros((0, 8, 3), np.uint8),
        np.zeros((8, 8, 3), np.int8),
        np.array("a text"),
        np.zeros((8,), [("red", "u1"), ("green", "u1")]),
    ],
)
def test_another_shape_or_type_names_what_is_expected(modules: Modules, array: Any) -> None:
    error = refusal(modules, npy(array))
    assert error.status_code == 400
    assert "uint8 array of shape [height, width, 3]" in str(error)


def test_missing_and_surplus_bytes(modules: Modules) -> None:
    body = npy(np.zeros((8, 8, 3), np.uint8))
    assert "192 bytes, 191 arrived" in str(refusal(modules, body[:-1]))
    assert "192 bytes, 193 arrived" in str(refusal(modules, body + b"x"))


def test_a_shape_without_its_bytes_allocates_nothing(modules: Modules) -> None:
    claim = "{'descr': '|u1', 'fortran_order': False, 'shape': (%s), }"
    huge = refusal(modules, header(claim % "60000, 60000, 3"))
    assert (huge.status_code, "64,000,000" in str(huge)) == (413, True)
    many = refusal(modules, header(claim % "129, 1, 1, 3"))
    assert (many.status_code, "128" in str(many)) == (413, True)
    assert refusal(modules, header(claim % "-4, -4, 3")).status_code == 400


@pytest.mark.parametrize(
    "body",
    [
        b"\x93NUMPY",
        b"\x93NUMPY\x09\x00\x10\x00",
        header("{'descr': '|u1', 'fortran_order': False"),
        header("{'descr': '|u1', 'fortran_order': False, 'shape': (8, 8, 3L), }"),
        header("{'descr': 'nonsense', 'fortran_order': False, 'shape': (8, 8, 3), }"),
        header("__import__('os').abort()"),
        header("(" * 100),
    ],
)
def test_a_broken_header(modules: Modules, body: bytes) -> None:
    assert refusal(modules, body).status_code == 400


def test_damaged_headers_never_escape(modules: Modules) -> None:
    dice = np.random.default_rng(5)
    body = npy(np.zeros((2, 2, 3), np.uint8))
    for _ in range(500):
        damaged = bytearray(body)
        for _ in range(dice.integers(1, 6)):
            damaged[dice.integers(6, 128)] = dice.integers(0, 256)
        with contextlib.suppress(modules["errors"].RequestError):
            assert modules["inference"].input_fn(bytes(damaged), "application/x-npy")
