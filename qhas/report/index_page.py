"""The page over runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qhas.report.rendering import render


def index_page(entries: Sequence[Any], left_out: int) -> str:
    """The page over runs, at `reports/index.html`."""
    return render("index.html", ".", entries=entries, left_out=left_out)
