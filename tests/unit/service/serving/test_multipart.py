"""Forms as they stream in, cut anywhere, beside python-multipart's reading of them."""

from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from python_multipart.multipart import MultipartParser

from service.routes.multipart import FormReader, MalformedForm, PartBegins, PartEnds, boundary_of

BOUNDARY = b"frontier"
# Content that looks like boundaries, and the bytes that they begin with.
PIECES = st.sampled_from([b"\r", b"\n", b"\r\n", b"-", b"--", b"\r\n--front", b"frontier", b"\r\n--", b"x", b"\0\xff"])
CONTENT = st.lists(PIECES, max_size=12).map(b"".join).filter(lambda content: b"--" + BOUNDARY not in content)
NAMES = st.text(st.characters(exclude_categories=["C"]), max_size=8)


@dataclass
class Read:
    """A part, as it was read."""

    name: str
    filename: str | None
    content: bytes = b""
    ended: bool = False


@dataclass
class Form:
    """All parts, and whether the closing boundary came."""

    parts: list[Read] = field(default_factory=list)
    ended: bool = False


def read(body: bytes, cuts: list[int] | None = None, boundary: bytes = BOUNDARY) -> Form:
    """The form, read from chunks that begin at these places."""
    reader, form = FormReader(boundary), Form()
    places = [0, *sorted(cut % (len(body) + 1) for cut in cuts or []), len(body)]
    for begin, end in pairwise(places):
        for event in reader.read(body[begin:end]):
            match event:
                case PartBegins():
                    form.parts.append(Read(event.name, event.filename))
                case PartEnds():
                    form.parts[-1].ended = True
                case _:
                    form.parts[-1].content += event
    form.ended = reader.ended
    return form


def quoted(text: str) -> bytes:
    """As browsers and curl write a name."""
    return b'"' + text.replace("\\", "\\\\").replace('"', '\\"').encode() + b'"'


def written(parts: list[tuple[str, str | None, bytes]]) -> bytes:
    """The body of a form."""
    lines = []
    for name, filename, content in parts:
        file = b"" if filename is None else b"; filename=" + quoted(filename)
        lines.append(b"--" + BOUNDARY + b"\r\nContent-Disposition: form-data; name=" + quoted(name) + file)
        lines.append(b"\r\nContent-Type: image/jpeg\r\n\r\n" + content + b"\r\n")
    return b"".join(lines) + b"--" + BOUNDARY + b"--\r\n"


def contents_by_python_multipart(body: bytes) -> list[bytes]:
    """What another parser finds."""
    found: list[bytearray] = []
    parser = MultipartParser(
        BOUNDARY,
        {
            "on_part_begin": lambda: found.append(bytearray()),
            "on_part_data": lambda data, start, end: found[-1].extend(data[start:end]),
        },
    )
    parser.write(body)
    return [bytes(content) for content in found]


@hypothesis_settings(max_examples=300, deadline=None)
@given(
    parts=st.lists(st.tuples(NAMES, st.none() | NAMES, CONTENT), max_size=4),
    cuts=st.lists(st.integers(0, 2000), max_size=30),
)
def test_wherever_the_chunks_are_cut(parts: list[tuple[str, str | None, bytes]], cuts: list[int]) -> None:
    body = written(parts)
    form = read(body, cuts)
    assert [(part.name, part.filename, part.content) for part in form.parts] == parts
    assert form.ended
    assert all(part.ended for part in form.parts)
    assert contents_by_python_multipart(body) == [content for _, _, content in parts]


@given(content=CONTENT, length=st.integers(0, 400))
def test_a_cut_form_never_counts_as_whole(content: bytes, length: int) -> None:
    body = written([("file", "a.jpg", content)])
    closing = len(body) - len(b"\r\n")
    form = read(body[: min(length, closing - 1)])
    assert not form.ended
    assert content.startswith(b"".join(part.content for part in form.parts))


def test_big_parts_are_handed_on_as_they_came() -> None:
    reader = FormReader(BOUNDARY)
    head = written([("file", "a.jpg", b"")]).partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
    assert len(list(reader.read(head))) == 1
    chunk = bytes(65_536)
    assert [event is chunk for event in reader.read(chunk)] == [False]  # the blank line's break stands before it
    assert [event is chunk for event in reader.read(chunk)] == [True]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"nonsense and more of it", "does not begin with the boundary"),
        (b"--frontierX\r\n", "followed by something else"),
        (b"--frontier\r\nContent-Type: x\r\n\r\nabc", "no Content-Disposition"),
        (b"--frontier\r\n\r\nabc", "no Content-Disposition"),
        (b"--frontier\r\nno colon here\r\n\r\n", "no colon"),
        (b'--frontier\r\nContent-Disposition: form-data; name="a\r\n\r\n', "cannot be read"),
        (b"--frontier\r\nContent-Disposition: attachment\r\n\r\n", "cannot be read"),
        (b"--frontier\r\nX: " + b"y" * 20_000, "longer than 16,384 bytes"),
    ],
)
def test_what_is_no_form(body: bytes, said: str) -> None:
    with pytest.raises(MalformedForm, match=said):
        read(body)


@pytest.mark.parametrize(
    ("disposition", "name", "filename"),
    [
        (b"form-data; name=file; filename=dog.jpg", "file", "dog.jpg"),
        (b'form-data;name="file";filename="a b.jpg"', "file", "a b.jpg"),
        (b'Form-Data; Name="file"', "file", None),
        (b'form-data; name="file"; filename=""', "file", ""),
        (b'form-data; name="file"; filename="d.jpg"; filename*=UTF-8\'\'d%20.jpg', "file", "d.jpg"),
        (b'form-data; name="file"; filename="\xff.jpg"', "file", "\ufffd.jpg"),
        (b"form-data", "", None),
    ],
)
def test_ways_to_name_a_file(disposition: bytes, name: str, filename: str | None) -> None:
    form = read(b"--frontier \t\r\nContent-Disposition: " + disposition + b"\r\n\r\nx\r\n--frontier--")
    assert form == Form([Read(name, filename, b"x", ended=True)], ended=True)


@pytest.mark.parametrize(
    ("content_type", "boundary"),
    [
        ("multipart/form-data; boundary=abc", b"abc"),
        ('multipart/form-data; charset=utf-8; Boundary="a b"', b"a b"),
        ("multipart/form-data;boundary=a'(),-./:=?+_", b"a'(),-./:=?+_"),
        ("multipart/form-data", None),
        ("multipart/form-data; boundary=", None),
        ('multipart/form-data; boundary=""', None),
    ],
)
def test_boundaries(content_type: str, boundary: bytes | None) -> None:
    assert boundary_of(content_type) == boundary
