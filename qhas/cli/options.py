"""Options that several commands have, and what they open."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from qhas.site import SITE_VARIABLE, load_site
from qhas.store import Store

SiteOption = Annotated[
    Path | None, typer.Option("--site", help=f"site.yaml; else {SITE_VARIABLE}, else the defaults.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of tables.")]
RunIdOption = Annotated[str | None, typer.Option(help="Id of the run; that of an earlier run resumes it.")]


def store_of(site: Path | None) -> Store:
    """The store of the site that was named, or of the default one. Raises InvalidInput."""
    return Store(load_site(site).store)
