"""Sniffing: real files of each format are known, nothing else is, and any bytes get a sentence."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain import image_formats
from tests.unit.service.serving.images import FORMATS, encoded


@pytest.mark.parametrize(("image_format", "content_type"), FORMATS.items())
def test_real_files(image_format: str, content_type: str) -> None:
    head = encoded(image_format)[: image_formats.SIGNATURE_BYTES]
    assert image_formats.content_type_of(head) == content_type


@given(st.binary(max_size=64))
def test_any_bytes_are_one_of_the_five_or_none(data: bytes) -> None:
    assert image_formats.content_type_of(data) in {*FORMATS.values(), None}
    head = data[: image_formats.SIGNATURE_BYTES]
    assert image_formats.content_type_of(head) == image_formats.content_type_of(data)
    said = image_formats.looks_like(head)
    assert said
    assert "\n" not in said


@given(st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=200))
def test_text_is_no_image(text: str) -> None:
    if not text.startswith(("GIF87a", "GIF89a")):  # text that lies this well is the model's to refuse
        assert image_formats.content_type_of(text.encode()) is None


@pytest.mark.parametrize("text", [b"BMW is a car maker, not a dog", b"RIFFRAFF", b"GIF is a format", b"\x89PNG", b"BM"])
def test_beginnings_that_only_look_alike(text: bytes) -> None:
    assert image_formats.content_type_of(text) is None


@pytest.mark.parametrize("image_format", FORMATS)
def test_an_image_that_went_through_utf_8_is_none(image_format: str) -> None:
    mangled = encoded(image_format).decode("utf-8", errors="replace").encode()
    if image_format in {"JPEG", "PNG"}:
        assert image_formats.content_type_of(mangled) is None
