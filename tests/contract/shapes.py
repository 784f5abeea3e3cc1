"""Generated members: whatever fits a shape of botocore's models, its constraints included."""

from datetime import UTC, datetime
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape
from hypothesis import strategies as st

from local_sagemaker.wire.patterns import compiled

MAX_DEPTH = 5  # from here on only required members
MORE_MEMBERS = 2  # of a list or map, above the least
SECONDS = (946_684_800, 4_102_444_800)


# Without what XML cannot carry.
_WRITABLE = st.characters(codec="utf-8", exclude_categories=["Cc"], exclude_characters="\ufffe\uffff")

_IN_HEADERS = st.characters(min_codepoint=0x20, max_codepoint=0x7E)


def members(shape: Shape | None) -> st.SearchStrategy[dict[str, Any]]:
    """Members of an operation's input or output."""
    return st.just({}) if shape is None else _value(shape, 0)


def _value(shape: Shape, depth: int) -> st.SearchStrategy[Any]:
    least = shape.metadata.get("min", 0)
    most = min(shape.metadata.get("max", least + MORE_MEMBERS), least + MORE_MEMBERS)
    if isinstance(shape, StructureShape):
        return _structure(shape, depth)
    if isinstance(shape, ListShape):
        return st.lists(_value(shape.member, depth + 1), min_size=least, max_size=most)
    if isinstance(shape, MapShape):
        keys, values = _value(shape.key, depth + 1), _value(shape.value, depth + 1)
        return st.dictionaries(keys, values, min_size=least, max_size=most)
    if shape.type_name == "string":
        return _string(shape, least, shape.metadata.get("max", 2**31))
    return _scalar(shape)


def _scalar(shape: Shape) -> st.SearchStrategy[Any]:
    least, most = shape.metadata.get("min", -(2**31)), shape.metadata.get("max", 2**31 - 1)
    scalars: dict[str, st.SearchStrategy[Any]] = {
        "integer": st.integers(least, most),
        "long": st.integers(least, most),
        "float": st.floats(least, most),
        "double": st.floats(least, most),
        "boolean": st.booleans(),
        "timestamp": st.integers(*SECONDS).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
        "blob": st.binary(max_size=100),
    }
    return scalars[shape.type_name]


def _structure(shape: StructureShape, depth: int) -> st.SearchStrategy[dict[str, Any]]:
    if shape.is_tagged_union:
        one_of = [st.fixed_dictionaries({name: _value(member, depth + 1)}) for name, member in shape.members.items()]
        return st.one_of(one_of)
    required = {name: _value(shape.members[name], depth + 1) for name in shape.required_members}
    optional = {
        name: _value(member, depth + 1)
        for name, member in shape.members.items()
        if name not in required and depth < MAX_DEPTH
    }
    return st.fixed_dictionaries(required, optional=optional)


def _string(shape: Shape, least: int, most: int) -> st.SearchStrategy[str]:
    if shape.metadata.get("enum"):
        return st.sampled_from(shape.metadata["enum"])
    pattern = shape.metadata.get("pattern")
    most = min(most, max(least, 1) + 60)
    if pattern is None:
        return st.text(_WRITABLE, min_size=least, max_size=most)
    matches = compiled(pattern).fullmatch
    if r"\p{" in pattern:  # a class of a hundred thousand characters is slow to draw from
        text = st.text("aZ09 _.:/=+-@", min_size=max(least, 1), max_size=most)
    else:
        in_header = shape.serialization.get("location") == "header"
        alphabet = _IN_HEADERS if in_header else st.characters(codec="utf-8")
        text = st.from_regex(compiled(pattern), fullmatch=True, alphabet=alphabet)
    return text.filter(
        lambda value: least <= len(value) <= shape.metadata.get("max", 2**31) and matches(value) is not None
    )
