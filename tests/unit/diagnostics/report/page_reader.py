"""Reads a page as a browser would, as far as tests need it."""

import re
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

VOID = frozenset({"meta", "link", "br", "hr", "img", "input", "base", "col", "wbr"})


class Page(HTMLParser):
    """`elements` are all tags with their attributes, `text` what is read outside of scripts, styles and plots."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.html = html
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.mistakes: list[str] = []
        self._open: list[str] = []
        self._texts: list[str] = []
        self.feed(html)
        self.close()
        self.mistakes += [f"<{tag}> is never closed" for tag in self._open]

    @property
    def text(self) -> str:
        return " ".join(" ".join(self._texts).split())

    @property
    def plots(self) -> list[ET.Element]:
        """The <svg> elements, each of which must be XML by itself."""
        return [ET.fromstring(svg) for svg in re.findall(r"<svg .*?</svg>", self.html, re.DOTALL)]  # noqa: S314 - our own

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for found, attributes in self.elements if found == tag]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open[-1] != tag:
            self.mistakes.append(f"</{tag}> closes {self._open[-1:]}")
        else:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if not {"script", "style", "svg"} & set(self._open):
            self._texts.append(data)


def marks(svg: ET.Element) -> list[str]:
    """The ids of what carries data in a plot."""
    return [element.get("id", "") for element in svg.iter() if element.get("class") == "mark"]
