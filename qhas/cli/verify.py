"""`qhas verify`: whether the store still holds what its records say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer

from qhas.cli.bar import bar
from qhas.cli.frame import Exit, command, print_json
from qhas.cli.options import JsonOption, SiteOption, run_of, store_of
from qhas.cli.screen import console, errors
from qhas.failures import InvalidInput
from qhas.store import Store
from qhas.upkeep.verify import Checked, all_damages, extent, redo, run_ids, verify_runs


@command
def verify(
    run_id: Annotated[str | None, typer.Argument(help="Id of the run.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Every run in the store.")] = False,
    discard: Annotated[
        bool,
        typer.Option(
            "--discard",
            help="Remove the records of damaged cells, so that they run again when their runs are resumed.",
        ),
    ] = False,
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> Exit:
    """Check every file of a run against its record: sizes, digests, locations, rows of the history.

    Exit code 1 if something is damaged.
    """
    if (run_id is None) is not every:
        raise InvalidInput("Name a run, as in `qhas verify RUN`, or ask for `--all`.")
    store = store_of(site)
    checked = _verify(store, run_ids(store) if run_id is None else [run_of(store, run_id)])
    discarded = redo(store, checked) if discard else 0
    if as_json:
        print_json({"runs": [asdict(run) for run in checked], "discarded": discarded})
    else:
        _show(checked, discarded, discard)
    return Exit.CELLS_FAILED if any(run.damages for run in checked) else Exit.GOOD


def _verify(store: Store, runs: Sequence[str]) -> list[Checked]:
    with bar(errors) as progress:
        task = progress.add_task("reading", total=len(runs))
        return verify_runs(store, runs, lambda _: progress.advance(task))


def _show(checked: Sequence[Checked], discarded: int, discard: bool) -> None:
    damages = all_damages(checked)
    for damage in damages:
        console.print(f"{damage.key}: {damage.fault}. {damage.sentence}", soft_wrap=True)
    if not damages:
        console.print(f"{extent(checked)}: all as stored.")
        return
    console.print(f"{extent(checked)}: {len(damages)} damaged.")
    if discard:
        console.print(
            f"The records of {discarded} cells are removed; `qhas sweep ... --run-id RUN` runs the cells again."
        )
    elif any(damage.cell for damage in damages):
        console.print(
            "With --discard the records of damaged cells are removed; the cells run again when their runs are resumed."
        )
