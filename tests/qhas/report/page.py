"""A page as a browser would parse it."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from typing import Any

HOSTILE = [
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "<!--<script>",
    '"><img src=x onerror=alert(1)>',
    "'; alert(1); '",
    "\u2028alert(1)",
    "{{ 7 * 7 }}",
]


class Page(HTMLParser):
    """The page's elements with their attributes, its tables as rows of text, and the data for its scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.tables: list[list[list[str]]] = []
        self.text = ""
        self._scripts: list[tuple[dict[str, str | None], str]] = []
        self._inside = ""
        self._in_cell = False
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._inside = tag
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")
            self._in_cell = True
        elif tag == "script":
            self._scripts.append((dict(attrs), ""))

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""
        if tag in ("td", "th"):
            self._in_cell = False

    def handle_data(self, data: str) -> None:
        if self._inside == "script":
            attributes, text = self._scripts[-1]
            self._scripts[-1] = (attributes, text + data)
            return
        self.text += data
        if self._in_cell:
            self.tables[-1][-1][-1] += data

    @property
    def tags(self) -> list[str]:
        return [tag for tag, _ in self.elements]

    @property
    def code(self) -> list[str]:
        """The scripts that the page itself would execute."""
        return [text for attributes, text in self._scripts if "type" not in attributes and text.strip()]

    @property
    def data(self) -> dict[str, Any]:
        """The data that scripts read, keyed by the element it is for."""
        return {
            str(attributes["data-for"]): json.loads(text)
            for attributes, text in self._scripts
            if attributes.get("type") == "application/json"
        }

    def targets(self) -> set[str]:
        """Everything the page refers to."""
        return {
            value
            for _, attributes in self.elements
            for key, value in attributes.items()
            if key in ("src", "href", "data-href") and value
        }

    def table(self, title: str) -> list[dict[str, str]]:
        """Rows of the first table with that column, keyed by column titles; rows that span columns are cut short."""
        table = next(table for table in self.tables if title in [cell.strip() for cell in table[0]])
        titles = [cell.strip() for cell in table[0]]
        return [dict(zip(titles, map(str.strip, row), strict=False)) for row in table[1:]]
