"""Last-Event-ID: how far a client has come."""

import base64
import zlib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.event_position import LogPosition, Position, decoded
from service.errors import BadRequest

TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
POSITIONS = st.builds(
    Position,
    transitions=st.integers(0, 50),
    logs=st.dictionaries(TEXT, st.builds(LogPosition, st.none() | TEXT.filter(bool), st.integers(0, 9999)), max_size=4),
    rules=st.dictionaries(TEXT, TEXT, max_size=4),
    ended=st.booleans(),
)


@given(POSITIONS)
def test_what_is_encoded_is_decoded(position: Position) -> None:
    text = position.encoded()
    assert decoded(text) == position
    assert text.isascii()
    assert text.replace("-", "").replace("_", "").isalnum()


@given(st.text(max_size=80))
def test_anything_else_is_refused_or_a_position(text: str) -> None:
    with suppress(BadRequest):
        assert isinstance(decoded(text), Position)


@pytest.mark.parametrize("content", [b"[" * 200_000, b"[Infinity,{},{},false]", b'[0,{"s":[null,1e400]},{},false]'])
def test_ids_of_ill_will_are_bad_requests(content: bytes) -> None:
    with pytest.raises(BadRequest, match="none that this service gave"):
        decoded(base64.urlsafe_b64encode(zlib.compress(content)).decode().rstrip("="))


@pytest.mark.parametrize("text", ["nonsense", "eJyLBgAAXQBd", "a" * 5000])
def test_ids_of_others_are_bad_requests(text: str) -> None:
    with pytest.raises(BadRequest, match="none that this service gave"):
        decoded(text)


def test_without_an_id_it_begins_at_the_start() -> None:
    assert decoded(None) == decoded("") == Position()
