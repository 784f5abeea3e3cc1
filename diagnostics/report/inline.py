"""A plot as part of a page: an <svg> element that takes the page's colours and fonts."""

import re
from xml.etree import ElementTree as ET

from markupsafe import Markup

from diagnostics.report.palette import COLOURS

_NAMES = {colour.light: name for name, colour in COLOURS.items()}
_COLOUR = re.compile("|".join(_NAMES))
_FONT_FAMILY = re.compile(r"(font: [^;]*?px |font-family: )[^;]*")
_REFERENCE = re.compile(r"url\(#([^)]*)\)")


def inline_svg(svg: bytes, name: str, title: str, description: str) -> Markup:
    """The element. `name` goes before all its ids: several plots stand on one page."""
    root = ET.fromstring(svg)  # noqa: S314 - our own, written by plots.render
    for element in root.iter():
        element.tag = _local(element.tag)
        for attribute, value in list(element.attrib.items()):
            del element.attrib[attribute]
            element.set(_local(attribute), _adapted(_local(attribute), value, name))
        if re.match(rf"{re.escape(name)}-(mark-|empty$)", element.get("id", "")):
            element.set("class", "mark" if "-mark-" in element.get("id", "") else "empty")
    for parent in root.iter():
        for child in list(parent):
            # matplotlib's style sheet would hold for the whole page; page.css says the same of plots alone.
            if child.tag in {"metadata", "style"}:
                parent.remove(child)
    for size in ("width", "height"):
        root.attrib.pop(size, None)
    root.set("xmlns", "http://www.w3.org/2000/svg")
    root.set("role", "img")
    root.set("aria-labelledby", f"{name}-title {name}-description")
    for place, (tag, text) in enumerate((("title", title), ("desc", description))):
        said = ET.Element(tag, {"id": f"{name}-{'title' if tag == 'title' else 'description'}"})
        said.text = text
        root.insert(place, said)
    return Markup(ET.tostring(root, encoding="unicode"))  # noqa: S704 - written by ElementTree, which escapes


def _local(tag: str) -> str:
    """Without its namespace: HTML knows SVG's elements, and xlink:href is href today."""
    return tag.rsplit("}", 1)[-1]


def _adapted(attribute: str, value: str, name: str) -> str:
    if attribute == "id":
        return f"{name}-{value}"
    if attribute == "href":
        return f"#{name}-{value[1:]}" if value.startswith("#") else value.replace("\n", "")
    value = _REFERENCE.sub(rf"url(#{name}-\1)", value)
    if attribute == "style":
        value = _FONT_FAMILY.sub(r"\1var(--font)", value)
    if attribute in {"style", "fill", "stroke"}:
        value = _COLOUR.sub(lambda found: f"var(--{_NAMES[found[0]]})", value)
    return value
