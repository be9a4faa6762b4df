"""The index page of all runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qhas.report.rendering import render


def index_page(entries: Sequence[Any], left_out: int) -> str:
    """Render the index page, at `reports/index.html`."""
    return render("index.html", ".", entries=entries, left_out=left_out)
