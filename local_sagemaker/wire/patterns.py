"""The service models' patterns are Java's; Python's `re` reads most of them, and this module turns the rest.

They are matched as AWS does: against the whole value, with \\d, \\w and \\s meaning ASCII only.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

_POSIX = {"Alnum": "a-zA-Z0-9", "ASCII": r"\x00-\x7F", "Print": r"\x20-\x7E"}
# Every assigned character stands in planes 0 to 3 and at the start of plane 14; the rest need not be looked at.
_ASSIGNED = (range(0x40000), range(0xE0000, 0xE1000))


@lru_cache
def compiled(pattern: str) -> re.Pattern[str]:
    """The Python form of a pattern of a service model, for `fullmatch`."""
    translated = re.sub(r"\\p\{(\w+)\}", lambda found: _class(found[1], pattern, found.start()), pattern)
    translated = re.sub(r"\\u(D[89AB]..)\\u(D[C-F]..)", _surrogate_pair, translated, flags=re.IGNORECASE)
    translated = translated.replace(r"\z", r"\Z").replace(r"[\w-_]", r"[\w\-_]")
    return re.compile(translated, re.ASCII)


def _class(name: str, pattern: str, position: int) -> str:
    ranges = _POSIX.get(name) or _category_ranges()[name]
    inside_brackets = pattern.rfind("[", 0, position) > pattern.rfind("]", 0, position)
    return ranges if inside_brackets else f"[{ranges}]"


@lru_cache
def _category_ranges() -> dict[str, str]:
    """The characters of each major Unicode category (L, M, N, P, S, Z, C) as ranges for a character class."""
    ranges: dict[str, list[str]] = {}
    for category, first, last in _runs():
        ranges.setdefault(category, []).append(f"\\U{first:08x}-\\U{last:08x}")
    return {category: "".join(parts) for category, parts in ranges.items()}


def _runs() -> Iterator[tuple[str, int, int]]:
    for codes in _ASSIGNED:
        first, category = codes.start, unicodedata.category(chr(codes.start))[0]
        for code in codes[1:]:
            next_category = unicodedata.category(chr(code))[0]
            if next_category != category:
                yield category, first, code - 1
                first, category = code, next_category
        yield category, first, codes.stop - 1


def _surrogate_pair(found: re.Match[str]) -> str:
    high, low = int(found[1], 16), int(found[2], 16)
    return f"\\U{0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00):08x}"
