"""Pages of HTML that need nothing but themselves: templates with autoescape, a style sheet and plots inlined."""

import base64
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from matplotlib.figure import Figure

from diagnostics.report import words
from diagnostics.report.canvas import NARROW, WIDE, description, is_empty
from diagnostics.report.inline import inline_svg
from diagnostics.report.palette import COLOURS
from diagnostics.report.plots import render

TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class PagePlot:
    """A plot on a page, drawn for a wide column and for a phone.

    `reading` says how to read it; `empty`: there was nothing to draw, and it says why.
    """

    name: str
    title: str
    reading: str
    wide: Markup
    narrow: Markup
    empty: bool


def page_plot(name: str, title: str, reading: str, draw: Callable[[int], Figure]) -> PagePlot:
    """Draw it twice; `draw` takes the width in px."""
    drawn, empty = [], False
    for suffix, width in (("wide", WIDE), ("narrow", NARROW)):
        figure = draw(width)
        empty = is_empty(figure)
        described = words.clean(description(figure))
        drawn.append(inline_svg(render(figure, "svg"), f"{name}-{suffix}", title, described))
    return PagePlot(name, title, reading, drawn[0], drawn[1], empty)


def page(template: str, values: Mapping[str, Any]) -> str:
    """The template filled in. All text is escaped, and made printable first."""
    return _environment().get_template(template).render(values)


def content_security_policy() -> str:
    """What the pages may do, also where they are served: their own styles and one script, nothing from anywhere."""
    digest = base64.b64encode(hashlib.sha256(_text("sort.js").encode()).digest()).decode()
    return (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
        f"script-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_printable,
    )
    made.filters |= {"number": words.number, "duration": words.duration, "moment": words.moment}
    made.globals |= {
        "colours": COLOURS,
        "css": Markup(_text("page.css")),  # noqa: S704 - our own file
        "script": Markup(_text("sort.js")),  # noqa: S704 - our own file
        "policy": content_security_policy(),
    }
    return made


def _printable(value: Any) -> Any:
    return words.clean(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _text(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")
