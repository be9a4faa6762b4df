"""`qhas bisect`: with which SDK the time of a stored cell changed, and why."""

from __future__ import annotations

from typing import Annotated

import typer

from qhas.cli.frame import Exit, command
from qhas.cli.options import JsonOption, SiteOption
from qhas.cli.upgrade import ask
from qhas.failures import InvalidInput
from qhas.runs.record import CellRecord
from qhas.runs.stored import load_run
from qhas.site import load_site
from qhas.store import Store
from qhas.upgrade.question import THRESHOLD_PERCENT, Question, sdks_between


@command
def bisect(
    cell: Annotated[str, typer.Argument(metavar="CELL", help="A stored cell, as RUN/MODEL/SOC/VARIANT.")],
    before: Annotated[str, typer.Option("--from", help="An SDK with which it was good, as in 2.48.")],
    after: Annotated[str, typer.Option("--to", help="An SDK with which it is not.")],
    threshold: Annotated[
        float, typer.Option(min=0, max=1000, help="Smallest change of time, in percent, that counts.")
    ] = THRESHOLD_PERCENT,
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> Exit:
    """Find the SDK with which a stored cell became slower or faster, with the cell's own DLC and options; as upgrade, for one cell."""
    lab_site = load_site(site)
    record = _record(Store(lab_site.store), cell)
    question = Question(
        (record.cell.model,),
        (record.cell.soc,),
        sdks_between(lab_site, before, after),
        threshold,
        record.cell.prepare,
        record.cell.run,
    )
    return ask(question, lab_site, as_json)


def _record(store: Store, address: str) -> CellRecord:
    run_id, _, key = address.partition("/")
    if not key:
        raise InvalidInput(f"{address} is a whole run; give one cell as RUN/MODEL/SOC/VARIANT.")
    _, records = load_run(store, run_id)
    by_key = {record.cell.key: record for record in records}
    if record := by_key.get(key) or by_key.get(f"{key}/default"):
        return record
    raise InvalidInput(f"Run {run_id} has no finished cell {key}; choose from {', '.join(by_key)}.")
