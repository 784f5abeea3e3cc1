"""Figures and names as people read them."""

import math
import re
from datetime import UTC, datetime

# What is no character of XML, or would turn the reading direction of what stands around it.
_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]"
)
_SI = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def clean(text: str) -> str:
    """A name that somebody chose, fit for HTML and SVG: what cannot be printed becomes U+FFFD."""
    return _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def shortened(text: str, limit: int) -> str:
    """At most `limit` characters on one line, the middle left out: both ends of a tensor's name tell something."""
    flat = " ".join(clean(text).split())
    if len(flat) <= limit:
        return flat
    tail = (limit - 1) // 2
    return f"{flat[: limit - 1 - tail]}…{flat[len(flat) - tail :]}"


def number(value: float) -> str:
    """Four significant digits: 0.2345, 1.2e-07, 12 345, nan."""
    if not math.isfinite(value):
        return "nan" if math.isnan(value) else ("inf" if value > 0 else "-inf")
    if value == 0:
        return "0"
    if 1e-4 <= abs(value) < 1e6:
        if value == int(value):
            return f"{int(value)}"
        digits = max(0, 3 - math.floor(math.log10(abs(value))))
        return f"{value:.{digits}f}".rstrip("0").rstrip(".") if digits else f"{value:.0f}"
    return f"{value:.3g}"


def rate(value: float) -> str:
    """Bytes a second, short: 340 MB/s."""
    for factor, unit in _SI:
        if abs(value) >= factor:
            return f"{value / factor:.3g} {unit}B/s"
    return f"{value:.3g} B/s"


def duration(seconds: float) -> str:
    """47 ms, 3.2 s, 2 min 05 s, 1 h 20 min."""
    if seconds < 1:
        return f"{seconds * 1000:.3g} ms"
    if seconds < 60:
        return f"{seconds:.3g} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def clock(seconds: float) -> str:
    """Time since a beginning as an axis shows it: 0:05, 12:30, 1:20:00."""
    whole = round(seconds)
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}:{minutes:02d}:{whole % 60:02d}" if hours else f"{minutes}:{whole % 60:02d}"


def moment(epoch: float) -> str:
    """2026-05-04 12:03:04 UTC."""
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def several(count: int, noun: str, plural: str = "") -> str:
    """1 finding, 2 findings."""
    return f"{count} {noun if count == 1 else plural or noun + 's'}"


def listed(items: list[str], limit: int = 4) -> str:
    """a, b and c; a, b, c, d and 3 more."""
    shown, rest = items[:limit], len(items) - limit
    if rest > 0:
        return f"{', '.join(shown)} and {rest} more"
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}" if shown else ""


def natural(name: str) -> list[tuple[int, int, str]]:
    """A key that sorts algo-2 before algo-10."""
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in re.split(r"(\d+)", name)]
