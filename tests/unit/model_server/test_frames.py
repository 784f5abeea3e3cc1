"""model_server/frames.py: what is written in any pieces is read as it was."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_server.frames import PREFIX, Frame, FrameDecoder, encode_header

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner, max_size=3), max_leaves=5
)
frames = st.builds(Frame, st.dictionaries(st.text(), values, max_size=4), st.binary(max_size=200))


@given(st.lists(frames, max_size=5), st.lists(st.integers(1, 50), max_size=30))
def test_frames_in_any_pieces_are_read_as_they_were_written(written: list[Frame], sizes: list[int]) -> None:
    stream = b"".join(encode_header(frame.header, len(frame.body)) + frame.body for frame in written)
    decoder, start = FrameDecoder(), 0
    found: list[Frame] = []
    for size in [*sizes, len(stream)]:
        found += decoder.feed(stream[start : start + size])
        start += size
    assert found == written


@pytest.mark.parametrize("header", [b"{", b"\xff\xff"])
def test_what_is_no_frame_is_refused(header: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        list(FrameDecoder().feed(PREFIX.pack(len(header), 0) + header))


def test_a_large_body_is_kept_until_it_is_complete() -> None:
    body: Any = bytes(range(256)) * 4096
    decoder = FrameDecoder()
    stream = encode_header({"id": 1}, len(body)) + body
    assert list(decoder.feed(stream[:-1])) == []
    assert list(decoder.feed(memoryview(stream)[-1:])) == [Frame({"id": 1}, body)]
