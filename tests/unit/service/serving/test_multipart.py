"""Forms as they stream in, cut anywhere."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from service.errors import BadRequest
from service.routes.multipart import Event, PartBegins, PartEnds, boundary_of, form_events

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
    """All parts, and what was said of the form when it could not be read to its end."""

    parts: list[Read] = field(default_factory=list)
    refused: str | None = None


def read(body: bytes, cuts: list[int] | None = None) -> Form:
    """The form, read from chunks that begin at these places."""
    form = Form()
    places = [0, *sorted(cut % (len(body) + 1) for cut in cuts or []), len(body)]

    async def go() -> None:
        async for event in events_of([body[begin:end] for begin, end in pairwise(places)]):
            match event:
                case PartBegins():
                    form.parts.append(Read(event.name, event.filename))
                case PartEnds():
                    form.parts[-1].ended = True
                case _:
                    form.parts[-1].content += event

    try:
        asyncio.run(go())
    except BadRequest as problem:
        form.refused = problem.detail
    return form


def events_of(chunks: list[bytes]) -> AsyncIterator[Event]:
    """What a body of these chunks brings."""

    async def body() -> AsyncIterator[bytes]:
        for chunk in chunks:
            yield chunk

    return form_events(f"multipart/form-data; boundary={BOUNDARY.decode()}", body())


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


@hypothesis_settings(max_examples=300, deadline=None)
@given(
    parts=st.lists(st.tuples(NAMES, st.none() | NAMES, CONTENT), max_size=4),
    cuts=st.lists(st.integers(0, 2000), max_size=30),
)
def test_wherever_the_chunks_are_cut(parts: list[tuple[str, str | None, bytes]], cuts: list[int]) -> None:
    body = written(parts)
    form = read(body, cuts)
    assert [(part.name, part.filename, part.content) for part in form.parts] == parts
    assert form.refused is None
    assert all(part.ended for part in form.parts)


@given(content=CONTENT, length=st.integers(0, 400))
def test_a_cut_form_never_counts_as_whole(content: bytes, length: int) -> None:
    body = written([("file", "a.jpg", content)])
    closing = len(body) - len(b"\r\n")
    form = read(body[: min(length, closing - 1)])
    assert form.refused == "The form ends before its closing boundary."
    assert content.startswith(b"".join(part.content for part in form.parts))


def test_big_parts_are_handed_on_as_they_came() -> None:
    head = written([("file", "a.jpg", b"")]).partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
    chunk = bytes(65_536)

    async def handed_on() -> list[bool]:
        events = events_of([head, chunk, b"\r\n--frontier--"])
        return [event is chunk async for event in events if isinstance(event, bytes)]

    assert asyncio.run(handed_on()) == [True]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"nonsense and more of it", "Expected boundary character"),
        (b"--frontierX\r\n", "end of boundary"),
        (b"--frontier\r\nContent-Type: x\r\n\r\nabc", "no Content-Disposition"),
        (b"--frontier\r\n\r\nabc", "no Content-Disposition"),
        (b"--frontier\r\nno colon here\r\n\r\n", "invalid character 32 in header"),
        (b'--frontier\r\nContent-Disposition: form-data; name="a\r\n\r\n', "cannot be read"),
        (b"--frontier\r\nContent-Disposition: attachment\r\n\r\n", "cannot be read"),
        (b"--frontier\r\nX: " + b"y" * 20_000, "Maximum header size exceeded"),
        (b"--frontier\r\n" + b"X: y\r\n" * 2000, "Maximum header count exceeded"),
        (b"--frontier\r\n" + (b"X: " + b"y" * 4000 + b"\r\n") * 5, "longer than 16,384 bytes"),
    ],
)
def test_what_is_no_form(body: bytes, said: str) -> None:
    assert said in str(read(body).refused)


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
    form = read(b"--frontier\r\nContent-Disposition: " + disposition + b"\r\n\r\nx\r\n--frontier--")
    assert form == Form([Read(name, filename, b"x", ended=True)])


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
