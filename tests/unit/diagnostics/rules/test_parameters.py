"""AWS's strings read by the types of a rule's fields."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnostics.rules.parameters import NotOfType, ParameterOutOfRange, at_least, read_as, regexes
from diagnostics.tensors.saved_step import Mode


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (float, "1e-07", 1e-7),
        (float, " 10 ", 10.0),
        (float, "inf", float("inf")),
        (int, "10", 10),
        (int, "10.0", 10),
        (int, "-3", -3),
        (bool, "True", True),
        (bool, "false", False),
        (bool, "0", False),
        (str, ".*relu, x ", ".*relu, x "),
        (int | None, "None", None),
        (int | None, "null", None),
        (int | None, "7", 7),
        (float | None, "", None),
        (Mode | None, "EVAL", Mode.EVAL),
        (Mode, "modes.train", Mode.TRAIN),
        (Sequence[str], "weights, gradients", ("weights", "gradients")),
        (Sequence[str] | None, "None", None),
        (Sequence[str], "a{1,3}, [x,y]z ,(b,c)", ("a{1,3}", "[x,y]z", "(b,c)")),
        (Sequence[str], '["weights", "a,b"]', ("weights", "a,b")),
        (Sequence[str], "['weights', 'a,b']", ("weights", "a,b")),
        (Sequence[str], "[Ll]oss", ("[Ll]oss",)),
        (tuple[str, ...], "a,b,c", ("a", "b", "c")),
        (tuple[float, float], "-9.4999, 9.4999", (-9.4999, 9.4999)),
        (tuple[float, float], "(-23, 16.99999)", (-23.0, 16.99999)),
        (list[int], "1,2", (1, 2)),
    ],
)
def test_what_is_understood(kind: Any, text: str, value: object) -> None:
    read = read_as(kind, text)
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ("kind", "text", "allowed"),
    [
        (float, "ten", "a number"),
        (float, "nan", "a number"),
        (int, "1.5", "a whole number"),
        (int, "inf", "a whole number"),
        (int, "nan", "a whole number"),
        (bool, "yes", "true or false"),
        (int | None, "x", "a whole number"),
        (Mode, "TEST", "TRAIN, EVAL, PREDICT, GLOBAL"),
        (tuple[float, float], "1", "2 values"),
        (tuple[float, float], "1,b", "a number"),
    ],
)
def test_what_is_not(kind: Any, text: str, allowed: str) -> None:
    with pytest.raises(NotOfType, match=allowed):
        read_as(kind, text)


@given(
    st.lists(
        st.text(st.characters(exclude_characters=",()[]{} \t\n\r", codec="ascii", categories=["L", "N"]), min_size=1)
    )
)
def test_lists_of_names_come_back_however_they_are_written(names: list[str]) -> None:
    assert read_as(Sequence[str], ",".join(names)) == tuple(names)
    assert read_as(Sequence[str], json.dumps(names)) == tuple(names)
    assert read_as(Sequence[str], str(names)) == tuple(names)


@given(st.floats(allow_nan=False), st.integers(-(2**53), 2**53), st.booleans())
def test_pythons_own_spelling_comes_back(number: float, whole: int, truth: bool) -> None:
    assert read_as(float, str(number)) == number
    assert read_as(int, str(whole)) == whole
    assert read_as(bool, str(truth)) is truth
    assert read_as(bool, json.dumps(truth)) is truth


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    for kind in (float, int, bool, Mode, Sequence[str], tuple[float, float], float | None):
        try:
            read_as(kind, text)
        except NotOfType as refused:
            assert str(refused)  # noqa: PT017 - either is right


def test_ranges() -> None:
    at_least(1, one=1, none=None)
    with pytest.raises(ParameterOutOfRange, match="num_steps is 0; allowed: a number from 1 on"):
        at_least(1, num_steps=0)
    with pytest.raises(ParameterOutOfRange, match="threshold is nan"):
        at_least(0, threshold=float("nan"))
    regexes(none=None, one="relu.*", several=("a", "[b]"))
    with pytest.raises(ParameterOutOfRange, match=r"labels_regex is \*; allowed: a regular expression"):
        regexes(labels_regex="*")
