"""Rendering of pages. Names of networks and ops are data: escaped in markup, and in the data of scripts."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import orjson
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from qhas.outside_text import shown
from qhas.profile.figures import SHOW, Unit
from qhas.report.assets import assets
from qhas.report.compiled import CompiledTemplates
from qhas.report.families import family_of
from qhas.runs.record import CellStatus
from qhas.runs.rows import (
    Column,
)
from qhas.units import decibels, lasting, number, percent, signed, size, words


def render(template: str, to_reports: str, **context: Any) -> str:
    """Render the template with the context; `to_reports` is the path from the page to `reports/`."""
    return (
        _templates()
        .get_template(template)
        .render(
            assets=assets(), to_assets=f"{to_reports}/assets", to_index=f"{to_reports}/index.html", **context
        )
    )


def load_templates() -> None:
    """Load the templates that every run uses ahead of its first page: they may not be compiled yet."""
    for name in ("cell.html", "run.html", "index.html"):
        _templates().get_template(name)


@cache
def _templates() -> Environment:
    templates = Environment(
        loader=PackageLoader("qhas.report", "templates"),
        autoescape=True,
        finalize=_as_shown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        bytecode_cache=CompiledTemplates(Path(__file__).read_bytes()),
    )
    templates.globals.update(
        decibels=decibels,
        family_of=family_of,
        lasting=lasting,
        number=number,
        percent=percent,
        shown_value=_shown_value,
        signed=signed,
        size=size,
        style_of=_style_of,
        words=words,
    )
    # The filter escapes the resulting text, whichever library wrote it, and pictures are long lists of numbers.
    templates.policies["json.dumps_function"] = lambda value, **_: shown(orjson.dumps(value).decode())
    return templates


def _as_shown(value: Any) -> Any:
    return shown(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _shown_value(unit: Unit, value: float | None) -> str:
    return "–" if value is None else SHOW[unit](value)


def _style_of(column: Column, cells: dict[str, str]) -> str:
    """Return the CSS class of a table cell."""
    if column.field == "status":
        return "good" if cells["status"] == CellStatus.COMPLETE else "failed"
    return {"mark": "failed", "health": "note"}.get(column.field, "n" if column.numeric else "")
