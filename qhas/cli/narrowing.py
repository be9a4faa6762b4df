"""Narrow a sweep from the command line: by patterns, tags, a canary, or the cells not good in an earlier run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer
from pydantic import ValidationError

from qhas.documents import describe
from qhas.failures import InvalidInput
from qhas.runs.stored import load_run, planned_cells
from qhas.site import Site
from qhas.store import Store
from qhas.sweep.spec import Selection, SweepSpec

ModelOption = Annotated[
    list[str] | None, typer.Option(help="Only models that match this pattern, e.g. 'inception_*'.")
]
SocOption = Annotated[list[str] | None, typer.Option(help="Only SoCs that match this pattern, e.g. 'sa8*'.")]
VariantOption = Annotated[list[str] | None, typer.Option(help="Only variants that match this pattern.")]
TagOption = Annotated[
    list[str] | None, typer.Option(help="Only models with this tag; repeat it for any of several.")
]
FailedOption = Annotated[
    str | None,
    typer.Option("--failed", metavar="RUN", help="Only cells that failed or are missing in that run."),
]
CanaryOption = Annotated[
    bool, typer.Option("--canary", help="One cell per SoC: of the model tagged `canary`, else of the first.")
]


@dataclass(frozen=True)
class Narrowing:
    """What the user selected. `failed` is a run id."""

    models: list[str]
    socs: list[str]
    variants: list[str]
    tags: list[str]
    failed: str | None
    canary: bool


def narrowed(spec: SweepSpec, chosen: Narrowing, site: Site) -> SweepSpec:
    """Return the sweep with these choices in its selection, or unchanged without any. Raises InvalidInput."""
    cells = _not_good(Store(site.store), chosen.failed) if chosen.failed else []
    selection = {
        "models": chosen.models,
        "socs": chosen.socs,
        "variants": chosen.variants,
        "tags": chosen.tags,
        "cells": cells,
        "canary": chosen.canary,
    }
    if not any(selection.values()):
        return spec
    try:
        return spec.model_copy(
            update={"select": Selection.model_validate(spec.select.model_dump() | _named(selection))}
        )
    except ValidationError as error:
        raise InvalidInput(f"These options are not valid: {describe(error)}.") from error


def _named(selection: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in selection.items() if value}


def _not_good(store: Store, run_id: str) -> list[str]:
    run, records = load_run(store, run_id)
    good = {record.cell.key for record in records if record.good}
    if keys := [cell.key for cell in planned_cells(run.spec) if cell.key not in good]:
        return keys
    raise InvalidInput(f"Every cell of run {run_id} is good; there is nothing to run again.")
