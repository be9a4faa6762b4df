"""`qhas bisect`: with which SDK, option or DLC the time of a stored cell changed, and why."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from qhas.cli.frame import Exit, command
from qhas.cli.options import JsonOption, SiteOption, cell_of, run_of
from qhas.cli.upgrade import answered, ask
from qhas.failures import InvalidInput
from qhas.runs.baseline import baseline_of
from qhas.runs.record import CellRecord
from qhas.site import Site, load_site, require_devices
from qhas.store import Store
from qhas.upgrade.bisection import Bisection
from qhas.upgrade.line import points_between
from qhas.upgrade.question import THRESHOLD_PERCENT, Question, sdks_between

FOLDER = Path(".qhas-bisect")


@command
def bisect(
    cell: Annotated[str, typer.Argument(metavar="CELL", help="A stored cell, as RUN/MODEL/SOC/VARIANT.")],
    base: Annotated[
        str | None,
        typer.Option(help="A run in which it was good; by default the previous one of the same sweep."),
    ] = None,
    before: Annotated[
        str | None, typer.Option("--from", help="Bisect SDKs only: one with which it was good, as in 2.48.")
    ] = None,
    after: Annotated[str | None, typer.Option("--to", help="And one with which it was not.")] = None,
    threshold: Annotated[
        float, typer.Option(min=0, max=1000, help="Smallest change of time, in percent, that counts.")
    ] = THRESHOLD_PERCENT,
    folder: Annotated[Path, typer.Option(help="Folder for DLCs of earlier runs.")] = FOLDER,
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> Exit:
    """Find what made a stored cell slower or faster than in an earlier run; exit code 1 if it is slower.

    SDKs, prepare options and DLCs are bisected.
    """
    lab_site = load_site(site)
    store = Store(lab_site.store)
    record = cell_of(store, cell, graphs=False)
    if before and after and not base:
        return ask(_over_sdks(record, lab_site, before, after, threshold), lab_site, as_json)
    if before or after:
        raise InvalidInput(
            "Give --from and --to for SDKs, or --base for a run, or nothing for the run before."
        )
    earlier = run_of(store, base) if base else baseline_of(store, record.run_id)
    old = cell_of(store, f"{earlier}/{record.cell.key}", graphs=False)
    points = points_between(store, lab_site, old, record, folder.resolve())
    require_devices(lab_site, [record.cell.soc])
    return answered(Bisection(store, points, old, record, threshold).stages(), lab_site, as_json)


def _over_sdks(record: CellRecord, site: Site, before: str, after: str, threshold: float) -> Question:
    return Question(
        (record.cell.model,),
        (record.cell.soc,),
        sdks_between(site, before, after),
        threshold,
        record.cell.prepare,
        record.cell.run,
    )
