"""What a browser would see of a page."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path


class Outline(HTMLParser):
    """The text, tags and headings of a page, and everything that it would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""
        self.tags: set[str] = set()
        self.headings: list[str] = []
        self.references: list[str] = []
        self._in: list[str] = []

    @classmethod
    def of(cls, path: Path) -> Outline:
        outline = cls()
        outline.feed(path.read_text())
        return outline

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self._in.append(tag)
        self.references += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag in ("h1", "h2"):
            self.headings.append("")

    def handle_endtag(self, tag: str) -> None:
        while self._in and self._in.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if "style" in self._in:
            self.references += ["url("] if "url(" in data else []
            return
        self.text += data
        if self._in and self._in[-1] in ("h1", "h2"):
            self.headings[-1] += data
