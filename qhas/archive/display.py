"""Tables for a notebook. Names of networks, ops and runs are data, so they are shown as text and escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from qhas.outside_text import one_line


def html_table(title: str, titles: Sequence[str], rows: Iterable[Sequence[object]], more: int = 0) -> str:
    """Render a table under a title, with a note that `more` rows are left out."""
    head = "".join(f"<th>{_text(each)}</th>" for each in titles)
    body = "".join(f"<tr>{''.join(f'<td>{_text(cell)}</td>' for cell in row)}</tr>" for row in rows)
    rest = f"<p>{more} more.</p>" if more > 0 else ""
    return f"<p><b>{_text(title)}</b></p><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{rest}"


def _text(value: object) -> str:
    return "" if value is None else escape(one_line(str(value)))
